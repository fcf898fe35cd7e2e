"""Which CI run this process is part of, and which commit that run is about: what the CI system says in its variables.

Rules this file guarantees: a commit is taken only from the system we are run by, because a shell may have another's
variables; and only if it is one (a CodeBuild project whose source is in S3 has a version there), because no other
variable's value may enter a record.

The variables: GitHub Actions, "Default environment variables"; GitLab, "Predefined CI/CD variables reference";
CodeBuild, "Environment variables in build environments"; Jenkins' plugin Git; Bitbucket Pipelines, "Variables and
secrets".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEMS = {
    "github": ("GITHUB_ACTIONS", "{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}", "GITHUB_SHA"),
    "gitlab": ("CI_JOB_URL", "{CI_JOB_URL}", "CI_COMMIT_SHA"),
    "codebuild": ("CODEBUILD_BUILD_ID", "{CODEBUILD_BUILD_ID}", "CODEBUILD_RESOLVED_SOURCE_VERSION"),
    "jenkins": ("BUILD_URL", "{BUILD_URL}", "GIT_COMMIT"),
    "bitbucket": (
        "BITBUCKET_BUILD_NUMBER",
        "{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
        "BITBUCKET_COMMIT",
    ),
}
"""By name: the variable it is known by, how a run is named, and the variable of the commit."""
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


def run_in(variables: Mapping[str, str]) -> str:
    """The run as its system names it: ``github:acme/orders/actions/runs/1``; empty outside CI."""
    system = _system(variables)
    return f"{system}:{_SYSTEMS[system][1].format_map(_Known(variables))}" if system else ""


def commit_in(variables: Mapping[str, str]) -> str:
    """The commit the run is about, as long as its system writes it; empty where it says none."""
    system = _system(variables)
    told = variables.get(_SYSTEMS[system][2], "") if system else ""
    return told if _COMMIT.fullmatch(told) else ""


def _system(variables: Mapping[str, str]) -> str:
    """Which one runs us; GitHub first, because its jobs can run on CodeBuild's machines."""
    if variables.get("GITHUB_ACTIONS") == "true":
        return "github"
    others = (name for name in _SYSTEMS if name != "github")
    return next((name for name in others if variables.get(_SYSTEMS[name][0])), "")


class _Known(dict[str, str]):
    """Variables, empty where there is none."""

    def __missing__(self, name: str) -> str:
        return ""
