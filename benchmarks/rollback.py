"""``python -m benchmarks.rollback [--aws PATH]``: a rollback beside a boto3 script and the AWS CLI, one sandbox."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import boto3

from benchmarks.pairs import compare, report
from lambdaops.sandbox import builds, server, shop

SCRIPT = """
import boto3
functions = boto3.client("lambda")
alias = functions.get_alias(FunctionName="orders", Name="live")
functions.update_alias(
    FunctionName="orders", Name="live", FunctionVersion="1",
    RoutingConfig={"AdditionalVersionWeights": {}}, RevisionId=alias["RevisionId"],
)
assert functions.get_alias(FunctionName="orders", Name="live")["FunctionVersion"] == "1"
boto3.client("sts").get_caller_identity()
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--aws", help="an AWS CLI to compare with")
    parser.add_argument("--runs", type=int, default=11)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        running = server.start(directory)
        try:
            local = {**os.environ, **server.environment(running), "LAMBDAOPS_HOME": str(directory / "home")}
            shop.open_shop(running.endpoint, local, directory)
            functions = boto3.client(
                "lambda",
                endpoint_url=running.endpoint,
                region_name=local["AWS_REGION"],
                aws_access_key_id=local["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=local["AWS_SECRET_ACCESS_KEY"],
            )
            functions.update_function_code(FunctionName="orders", ZipFile=builds.zip_build("orders", "good"))
            shop._wait_active(functions, "orders")  # noqa: SLF001
            functions.publish_version(FunctionName="orders")
            script = directory / "script.py"
            script.write_text(SCRIPT, "utf-8")
            commands = {
                "lambdaops rollback": [sys.executable, "-m", "lambdaops", "rollback", "orders:live"],
                "boto3 script, same calls": [sys.executable, str(script)],
            }
            if asked.aws:
                update = ["lambda", "update-alias", "--function-name", "orders", "--name", "live"]
                commands["aws lambda update-alias"] = [asked.aws, *update, "--function-version", "1"]

            def split() -> object:
                return functions.update_alias(
                    FunctionName="orders",
                    Name="live",
                    FunctionVersion="1",
                    RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
                )

            report(compare(commands, local, asked.runs, split), "boto3 script, same calls")
        finally:
            server.stop(running)


if __name__ == "__main__":
    main()
