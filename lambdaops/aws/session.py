"""boto3 clients, made on first use, with retries and timeouts chosen for each purpose.

Seven purposes. *Watching* calls are made every few seconds and repeated by the release loop anyway: they give up early
and leave the next try to the loop. *Urgent* calls take traffic back: a client of their own gives them a retry quota
that no throttled watcher has used up, and more attempts. *Publishing* calls are given time: Lambda takes in a large
package before it answers, and giving up on one that then lands leaves us refused by a revision of our own making.
*Telling* calls get two tries of three seconds: nothing waits longer for them than five. *Queueing* calls outlast a
long poll. *Sending* and *calling* ones are made once: botocore would repeat a message or an invocation whose answer was
lost, and tell nobody. All three have connections for many threads, and calls on messages are brisk (``aws.brisk``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops import __version__
from lambdaops.core.errors import RegionMissingError
from lambdaops.core.model import parse_function, parse_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3
    from botocore.awsrequest import AWSResponse
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

_CONNECT_SECONDS = 3


@dataclass(frozen=True, slots=True, eq=False)  # two purposes stay two clients, however alike
class _Purpose:
    """How patient a client is: seconds of silence, and how many times a request is sent."""

    read_timeout: int
    attempts: int
    connections: int = 10

    @property
    def bulk(self) -> bool:
        """Whether it is for thousands of calls."""
        return self.connections == _THREADS


# Lambda and CloudWatch answer a read or an UpdateAlias well within a second. Five of silence are a lost connection,
# and asking again on a new one is faster than waiting; botocore's own 60 would be six looks without a look. Only taking
# in a package (an image to resolve, 250 MB to unpack) may take that long.
#
# Lambda's control plane allows 15 requests a second for a whole account and region (Lambda quotas): a burst of other
# tools throttles us for seconds, not minutes. Standard mode waits up to 1, 2, 4, 8, 16 s between attempts, at random.
# Together: a watching call ends within 4 * 5 + 7 = 27 s at the very worst, an urgent one within 6 * 5 + 31 = 61 s.
_WATCHING = _Purpose(5, 4)
_URGENT = _Purpose(5, 6)
_PUBLISHING = _Purpose(60, 4)
_TELLING = _Purpose(3, 2)
# SQS answers a long poll after 20 s at most, and takes in 1 MiB before it answers. A function runs for 15 minutes at
# most (Lambda quotas). A connection that waits for its turn costs more than one that nobody uses.
_THREADS = 64
_QUEUEING = _Purpose(30, 4, _THREADS)
_SENDING = _Purpose(30, 1, _THREADS)
_CALLING = _Purpose(15 * 60 + 30, 1, _THREADS)

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
        self._clients: dict[tuple[str, _Purpose, str | None], Any] = {}
        # Channels are told from threads of their own, and boto3 makes clients in one thread at a time only.
        self._making = threading.Lock()

    def functions(self, *, urgent: bool = False) -> LambdaClient:
        """A Lambda client."""
        client: LambdaClient = self._client("lambda", _URGENT if urgent else _WATCHING)
        return client

    def publishing(self) -> LambdaClient:
        """A Lambda client that waits for code to be taken in."""
        client: LambdaClient = self._client("lambda", _PUBLISHING)
        return client

    def alarms(self) -> CloudWatchClient:
        """A CloudWatch client."""
        client: CloudWatchClient = self._client("cloudwatch", _WATCHING)
        return client

    def identity(self) -> STSClient:
        """An STS client."""
        client: STSClient = self._client("sts", _WATCHING)
        return client

    def queues(self, region: str | None = None, *, sending: bool = False) -> SQSClient:
        """An SQS client for queues of a region; None is the session's own. ``sending`` ones never try again."""
        client: SQSClient = self._client("sqs", _SENDING if sending else _QUEUEING, region)
        return client

    def invocations(self, region: str | None = None, *, waiting: bool = False) -> LambdaClient:
        """A Lambda client that invokes once; ``waiting`` for as long as a function may run."""
        client: LambdaClient = self._client("lambda", _CALLING if waiting else _SENDING, region)
        return client

    def streams(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 -- no stubs of these here
        """A client for ``kinesis`` or ``dynamodbstreams``."""
        return self._client(service, _WATCHING, region)

    def tables(self, region: str | None = None, *, urgent: bool = False) -> DynamoDBClient:
        """A DynamoDB client for tables of a region; None is the session's own. ``urgent``: nothing waits for it long.

        A rollback reads the journal if it can, and goes on without it if it cannot.
        """
        client: DynamoDBClient = self._client("dynamodb", _TELLING if urgent else _WATCHING, region)
        return client

    def objects(self) -> Any:  # noqa: ANN401 -- no stubs of these here
        """An S3 client for the few small objects of an audit log."""
        return self._client("s3", _WATCHING)

    def keys(self) -> Any:  # noqa: ANN401 -- no stubs of these here
        """A KMS client."""
        return self._client("kms", _WATCHING)

    def trails(self) -> CloudTrailClient:
        """A CloudTrail client, patient: two requests a second are all that an account has."""
        client: CloudTrailClient = self._client("cloudtrail", _PUBLISHING)
        return client

    def logs(self) -> CloudWatchLogsClient:
        """A client for CloudWatch Logs, which nobody waits long for."""
        client: CloudWatchLogsClient = self._client("logs", _TELLING)
        return client

    def reading(self, service: str) -> Any:  # noqa: ANN401 -- any service
        """A client of any service, for calls that read."""
        return self._client(service, _WATCHING)

    def topics(self, region: str) -> SNSClient:
        """An SNS client for topics of a region."""
        client: SNSClient = self._client("sns", _TELLING, region)
        return client

    def buses(self, region: str | None) -> EventBridgeClient:
        """An EventBridge client for buses of a region; None is the session's own."""
        client: EventBridgeClient = self._client("events", _TELLING, region)
        return client

    def _client(self, service: str, purpose: _Purpose, region: str | None = None) -> Any:  # noqa: ANN401 -- typed above
        key = (service, purpose, region)
        with self._making:
            if key not in self._clients:
                self._clients[key] = self._make(service, purpose, region)
            return self._clients[key]

    def _make(self, service: str, purpose: _Purpose, region: str | None) -> Any:  # noqa: ANN401
        from botocore.config import Config

        from lambdaops.aws.faults import translating

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=purpose.read_timeout,
            retries={"mode": "standard", "total_max_attempts": purpose.attempts},
            user_agent_extra=f"lambdaops/{__version__}",
            tcp_keepalive=True,
            max_pool_connections=purpose.connections,
            # A fifth of the CPU of a call on messages: botocore writes the user agent anew twice in every call, and
            # checks again what our own types and limits have held to what SQS takes.
            parameter_validation=not purpose.bulk,
            user_agent=f"lambdaops/{__version__}" if purpose.bulk else None,
        )
        with translating(f"create a {service} client"):
            session = self._boto()
            if not (region or session.region_name):
                raise RegionMissingError(
                    "no AWS region is set", hint="Give --region, or set AWS_REGION, or a region in the profile."
                )
            options = {**self._explicit(), **({"region_name": region} if region else {})}
            client = session.client(service, config=config, **options)  # type: ignore[call-overload]
        client.meta.events.register("after-call", _refuse_page)
        if service == "lambda":
            client.meta.events.register("provide-client-params.lambda.DeleteFunction", _refuse_whole_function)
        if purpose.attempts == 1:
            from lambdaops.aws.once import try_again_if_not_done

            try_again_if_not_done(client)
        if purpose.bulk and service == "sqs":
            from lambdaops.aws.brisk import make_brisk

            make_brisk(client, once=purpose.attempts == 1)
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
            "aws_session_token": "AWS_SESSION_TOKEN",
        }
        return {key: self._variables[name] for key, name in names.items() if name in self._variables}


def _refuse_whole_function(params: Mapping[str, Any], **_: object) -> None:
    """Refuse to delete anything but a published version by its number.

    "To delete a specific function version, use the Qualifier parameter. Otherwise, all versions and aliases are
    deleted" (Lambda API reference, DeleteFunction). No code of ours may come to that, whatever it got wrong.
    """
    parse_function(str(params.get("FunctionName", "")))
    parse_version(str(params.get("Qualifier") or ""))


def _refuse_page(http_response: AWSResponse, **_: object) -> None:
    """Refuse a stranger's answer with status 200, which botocore reads as one with nothing in it: no alarms, say.

    AWS names every request in its answer; a sign-in page or a misconfigured proxy does not.
    """
    from botocore.parsers import ResponseParserError

    headers = http_response.headers
    # Every HTTP answer has some header; one without any never crossed a wire (a recorded one).
    if http_response.status_code < _NO_SUCCESS and headers and not any(headers.get(name) for name in _REQUEST_ID):
        raise ResponseParserError("not an answer of AWS")
