"""boto3 clients, made on first use, with retries and timeouts chosen for each purpose.

Two purposes. *Watching* calls are made every few seconds and repeated by the release loop anyway: they give up early
and leave the next try to the loop. *Urgent* calls take traffic back: a client of their own gives them a retry quota
that no throttled watcher has used up, and more attempts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdaops import __version__
from lambdaops.core.errors import RegionMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

_CONNECT_SECONDS = 3
_READ_SECONDS = 10
# Lambda's control plane allows 15 requests a second for a whole account and region (Lambda quotas): a burst of other
# tools throttles us for seconds, not minutes. Standard mode backs off with jitter, 20 s at most per attempt.
_ATTEMPTS = 4
_URGENT_ATTEMPTS = 6
_NO_SUCCESS = 300
_REQUEST_ID = ("x-amzn-RequestId", "x-amz-request-id")


class Session:
    """One boto3 session; ``variables`` replaces the process environment where a caller has its own."""

    def __init__(
        self, region: str | None = None, profile: str | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self._region = region
        self._profile = profile
        self._variables = variables
        self._session: boto3.session.Session | None = None
        self._clients: dict[tuple[str, bool], Any] = {}

    def functions(self, *, urgent: bool = False) -> LambdaClient:
        """A Lambda client."""
        client: LambdaClient = self._client("lambda", urgent=urgent)
        return client

    def alarms(self) -> CloudWatchClient:
        """A CloudWatch client."""
        client: CloudWatchClient = self._client("cloudwatch", urgent=False)
        return client

    def identity(self) -> STSClient:
        """An STS client."""
        client: STSClient = self._client("sts", urgent=False)
        return client

    def _client(self, service: str, *, urgent: bool) -> Any:  # noqa: ANN401 -- typed by the callers
        key = (service, urgent)
        if key not in self._clients:
            self._clients[key] = self._make(service, urgent=urgent)
        return self._clients[key]

    def _make(self, service: str, *, urgent: bool) -> Any:  # noqa: ANN401
        from botocore.config import Config

        from lambdaops.aws.faults import translating

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _URGENT_ATTEMPTS if urgent else _ATTEMPTS},
            user_agent_extra=f"lambdaops/{__version__}",
            tcp_keepalive=True,
        )
        with translating(f"create a {service} client"):
            session = self._boto()
            if not session.region_name:
                raise RegionMissingError(
                    "no AWS region is set", hint="Give --region, or set AWS_REGION, or a region in the profile."
                )
            client = session.client(service, config=config, **self._explicit())  # type: ignore[call-overload]
        client.meta.events.register("after-call", _refuse_page)
        return client

    def _boto(self) -> boto3.session.Session:
        if self._session is None:
            import boto3.session

            region = self._region or (self._variables or {}).get("AWS_REGION")
            self._session = boto3.session.Session(region_name=region, profile_name=self._profile)
        return self._session

    def _explicit(self) -> dict[str, str]:
        """What another process's variables say, where boto3 would read this one's."""
        if self._variables is None:
            return {}
        names = {
            "endpoint_url": "AWS_ENDPOINT_URL",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        }
        return {key: self._variables[name] for key, name in names.items() if name in self._variables}


def _refuse_page(http_response: AWSResponse, **_: object) -> None:
    """Refuse a stranger's answer with status 200, which botocore reads as one with nothing in it: no alarms, say.

    AWS names every request in its answer; a sign-in page or a misconfigured proxy does not.
    """
    from botocore.parsers import ResponseParserError

    headers = http_response.headers
    # Every HTTP answer has some header; one without any never crossed a wire (a recorded one).
    if http_response.status_code < _NO_SUCCESS and headers and not any(headers.get(name) for name in _REQUEST_ID):
        raise ResponseParserError("not an answer of AWS")
