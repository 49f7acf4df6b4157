"""The filters of a query, as the API's documentation describes them."""

from fastapi import HTTPException
from pydantic import BaseModel, Field

from liq.web.filters import FilterError, Filters, parse_filters


class Wanted(BaseModel):
    """The filters of an address."""

    exchange: str = Field("", max_length=1_000, description="Venues, comma separated.")
    asset: str = Field("", max_length=1_000, description="Assets, comma separated.")
    side: str = Field("", max_length=20, description="LONG or SHORT: the liquidated position.")
    min_usd: str = Field("", max_length=20, description="Least dollars of a record.")

    def filters(self) -> Filters:
        """Return the checked filters.

        Raises:
            HTTPException: a value is invalid.
        """
        try:
            return parse_filters(self.model_dump())
        except FilterError as error:
            raise HTTPException(400, str(error)) from error
