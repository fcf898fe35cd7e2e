"""Which CI run and commit the variables tell of, system by system."""

from __future__ import annotations

import pytest

from lambdaops.cli.ci_run import commit_in, run_in

SHA = "8c1e2f3a9b7d4c5e6f708192a3b4c5d6e7f80912"

SYSTEMS = {
    "github:acme/orders/actions/runs/7": {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/orders",
        "GITHUB_RUN_ID": "7",
        "GITHUB_SHA": SHA,
    },
    "gitlab:https://gitlab.example/acme/orders/-/jobs/7": {
        "CI_JOB_URL": "https://gitlab.example/acme/orders/-/jobs/7",
        "CI_COMMIT_SHA": SHA,
    },
    "codebuild:orders:7": {"CODEBUILD_BUILD_ID": "orders:7", "CODEBUILD_RESOLVED_SOURCE_VERSION": SHA},
    "jenkins:https://ci.example/job/orders/7/": {"BUILD_URL": "https://ci.example/job/orders/7/", "GIT_COMMIT": SHA},
    "bitbucket:acme/orders/pipelines/results/7": {
        "BITBUCKET_BUILD_NUMBER": "7",
        "BITBUCKET_REPO_FULL_NAME": "acme/orders",
        "BITBUCKET_COMMIT": SHA,
    },
}


@pytest.mark.parametrize("run", SYSTEMS)
def test_each_system_tells_run_and_commit(run: str) -> None:
    assert (run_in(SYSTEMS[run]), commit_in(SYSTEMS[run])) == (run, SHA)


def test_outside_ci_there_is_neither() -> None:
    lone = {"GIT_COMMIT": SHA, "GITHUB_SHA": SHA, "GITHUB_ACTIONS": "false", "CI_COMMIT_SHA": SHA}
    assert (run_in(lone), commit_in(lone)) == ("", "")


def test_another_system_s_commit_is_not_ours() -> None:
    assert commit_in({"BUILD_URL": "https://ci.example/job/orders/7/", "CI_COMMIT_SHA": SHA}) == ""


def test_a_github_job_on_codebuild_s_machine_is_github_s() -> None:
    both = {**SYSTEMS["codebuild:orders:7"], **SYSTEMS["github:acme/orders/actions/runs/7"], "GITHUB_SHA": "f" * 64}
    assert (run_in(both)[:7], commit_in(both)) == ("github:", "f" * 64)


@pytest.mark.parametrize("text", ["", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", "8c1e2f", "deadbeef\n", "main", "a" * 65])
def test_what_is_no_commit_is_not_taken_for_one(text: str) -> None:
    told = {"CODEBUILD_BUILD_ID": "orders:7", "CODEBUILD_RESOLVED_SOURCE_VERSION": text}
    assert (run_in(told), commit_in(told)) == ("codebuild:orders:7", "")


def test_a_run_whose_parts_are_missing_is_named_all_the_same() -> None:
    assert run_in({"GITHUB_ACTIONS": "true"}) == "github:/actions/runs/"
