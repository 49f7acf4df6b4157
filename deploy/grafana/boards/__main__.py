"""`python -m deploy.grafana.boards`: write the dashboards that Grafana is provisioned with."""

from deploy.grafana.boards import BOARDS, DASHBOARDS, build

if __name__ == "__main__":
    DASHBOARDS.mkdir(exist_ok=True)
    for board in BOARDS:
        (DASHBOARDS / f"{board.uid}.json").write_text(build(board))
