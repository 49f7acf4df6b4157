# One image for every worker: `docker run IMAGE process normalize`, `... sink clickhouse`, ...
FROM python:3.11.11-slim-bookworm AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY liq liq
COPY processors processors
COPY producers producers
COPY runtime runtime
COPY schemas schemas
COPY sinks sinks
COPY web web
COPY deploy/dependencies.py deploy/dependencies.py
# Normalizers and detector are compiled here; the image that runs needs no compiler. Versions of Debian's
# packages follow the pinned base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && python -m venv /opt/liq \
    && sed -n '/^pip==/,/[^\\]$/p' constraints.txt > pip.txt \
    && /opt/liq/bin/pip install --no-cache-dir --require-hashes --requirement pip.txt \
    && python deploy/dependencies.py agents notify redis web > dependencies.txt \
    && /opt/liq/bin/pip install --no-cache-dir --require-hashes \
        --constraint constraints.txt --requirement dependencies.txt \
    && MYPYPATH=processors:schemas HATCH_BUILD_HOOK_ENABLE_MYPYC=true \
        /opt/liq/bin/pip install --no-cache-dir --no-deps ./schemas .

FROM python:3.11.11-slim-bookworm
# A fixed number, so that volumes and policies can name it.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin liq
COPY --from=build /opt/liq /opt/liq
ENV PATH=/opt/liq/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080 \
    LOG_FORMAT=json
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD \
    ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['HTTP_PORT'] + '/healthz', timeout=2)"]
ENTRYPOINT ["liq"]
