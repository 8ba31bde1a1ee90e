from __future__ import annotations

import pytest

from flows import job_json, json_response
from reel_client import errors
from reel_client._call import Response, api_error, path_of, validated, with_query
from reel_client._calls import jobs, services
from reel_client._flows import storage_error
from reel_client.models import Job

PROBLEM = {
    "type": "https://reelballers.com/problems/invalid_request",
    "title": "Invalid request",
    "status": 422,
    "detail": "The request has 2 errors. First: type is required.",
    "error": "The request has 2 errors. First: type is required.",
    "code": "invalid_request",
    "errors": [
        {"pointer": "/type", "detail": "is required"},
        {"pointer": "/params/x", "detail": "must be a number"},
    ],
    "request_id": "r-1",
    "hint": "of a newer server",
}


def test_a_problem_becomes_an_exception_with_everything_that_it_says() -> None:
    error = api_error(json_response(422, PROBLEM))
    assert type(error) is errors.InvalidRequestError
    assert (error.status, error.code, error.request_id) == (422, "invalid_request", "r-1")
    assert [fault.pointer for fault in error.errors] == ["/type", "/params/x"]
    assert error.problem["hint"] == "of a newer server"
    assert str(error) == (
        "The request has 2 errors. First: type is required. (422 invalid_request) [request r-1]"
        "\n  /type: is required\n  /params/x: must be a number"
    )


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (400, errors.InvalidRequestError),
        (401, errors.UnauthorizedError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (413, errors.InvalidRequestError),
        (422, errors.InvalidRequestError),
        (429, errors.LimitReachedError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (302, errors.ApiError),
    ],
)
def test_each_status_has_its_family(status: int, family: type[errors.ApiError]) -> None:
    assert type(api_error(json_response(status, PROBLEM))) is family


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"errors": {"a": 1}}', b'{"errors": [3]}'])
def test_an_answer_that_is_no_problem_document_is_an_error_all_the_same(body: bytes) -> None:
    error = api_error(Response(502, {}, body))
    assert (error.code, error.detail, error.errors) == ("unknown", "The server answers 502.", ())


def test_what_cannot_be_read_is_named_without_its_value() -> None:
    wrong = job_json(progress="secret-value", output_url=3)
    with pytest.raises(errors.UnexpectedAnswerError, match="progress") as caught:
        validated(Job, wrong)
    assert "secret-value" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_members_and_words_of_a_newer_server_are_no_error() -> None:
    job = validated(Job, job_json(status="paused", health=["a"], eta_s=3))
    assert (job.status, job.is_ended) == ("paused", False)


def test_nothing_that_is_a_credential_is_in_a_repr() -> None:
    text = repr(validated(Job, job_json(output_url="https://x/?X-Amz-Signature=secret", poster_url="secret")))
    assert "secret" not in text
    assert "secret" not in repr(jobs.create(1, "k", {"a": "secret"}, "overlay", None, None, "secret", "secret"))


def test_the_storage_says_a_code_and_never_a_url() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>https://r2/?X-Amz-Signature=secret</Message></Error>"
    assert str(storage_error(Response(403, {}, body))) == "The storage answers 403 (AccessDenied)."
    assert str(storage_error(Response(500, {}, b"<Code>https://</Code>"))) == "The storage answers 500."


def test_paths_and_queries_are_encoded() -> None:
    assert path_of("owners", "auth0|a/b c", "revoke-tokens") == "/api/owners/auth0%7Ca%2Fb%20c/revoke-tokens"
    assert with_query("/api/jobs", project_id=1, cursor="a&b", status=None) == "/api/jobs?project_id=1&cursor=a%26b"


def test_a_server_that_is_not_configured_says_so_in_its_health() -> None:
    body = {"status": "not_configured", "version": "1", "detail": "SIGNING_KEY"}
    health = services.health().result(json_response(503, body))
    assert (health.is_ok, health.detail) == (False, "SIGNING_KEY")
