"""What else invokes a function, that no event source mapping stands for, and how to stop it.

Facts: Lambda guide, *Using resource-based policies in Lambda*: whoever invokes a function in the name of an AWS service
stands in its policy; a role or a user of the same account needs only an identity policy, which the function does not
show.
"""

from __future__ import annotations

from dataclasses import dataclass

_NEXT = {
    "events.amazonaws.com": "aws events disable-rule --name {name}",
    "sns.amazonaws.com": "aws sns unsubscribe, of the subscription of this function to {name}; what is published "
    "meanwhile does not come back",
    "s3.amazonaws.com": "take the function out of the notifications of bucket {name}: aws s3api "
    "put-bucket-notification-configuration",
    "apigateway.amazonaws.com": "throttle the stage of API {name} to 0, or let its gateway answer by itself",
    "elasticloadbalancing.amazonaws.com": "aws elbv2 deregister-targets, of target group {name}",
    "logs.amazonaws.com": "aws logs delete-subscription-filter, of log group {name}",
    "iot.amazonaws.com": "aws iot disable-topic-rule --rule-name {name}",
    "cognito-idp.amazonaws.com": "take the trigger out of user pool {name}",
    "secretsmanager.amazonaws.com": "aws secretsmanager cancel-rotate-secret",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A statement of the function's policy that lets somebody invoke it.

    Attributes:
        principal: a service, an account, a role, or ``*``.
        qualifier: the version or alias that is invoked; empty for the unpublished code.
        source: ARN of the rule, topic, bucket or API that the statement is limited to; empty where it is not.
        sid: the statement's name.
        url: whether it is about the function's URL.
    """

    principal: str
    qualifier: str
    source: str = ""
    sid: str = ""
    url: bool = False


@dataclass(frozen=True, slots=True)
class NotStopped:
    """What still invokes the function: who, by which qualifier, and what to do about it."""

    by: str
    qualifier: str
    next: str


def not_stopped(caller: Caller, function: str) -> NotStopped:
    """What to do about a caller."""
    every = f"lambdaops halt {function} --all-invocations stops all of them"
    if caller.url:
        return NotStopped("the function's URL", caller.qualifier, f"aws lambda delete-function-url-config; or {every}")
    name = caller.source.rpartition(":")[2].rpartition("/")[2] if "apigateway" not in caller.principal else ""
    if "execute-api" in caller.source:
        name = caller.source.split(":", 5)[-1].partition("/")[0]
    known = _NEXT.get(caller.principal)
    by = f"{caller.principal} {caller.source}".rstrip()
    told = known.format(name=name or "NAME") if known else "stop it where it is"
    return NotStopped(by, caller.qualifier, f"{told}; or {every}")
