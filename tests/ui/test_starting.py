"""What cannot be started is told in one line with exit code 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from rpg.errors import SettingsError
from tests.processes import python
from ui.options import app
from ui.server import Serving, _token, running


def said(serving: Serving) -> str:
    with pytest.raises(SettingsError) as refused, running(serving):
        pass
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} is taken" in said(Serving(port=port))
        done = python("app.py", "--port", str(port))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9"])
def test_an_address_of_another_machine(host: str) -> None:
    assert "this machine has no such address" in said(Serving(host=host))


def test_a_host_that_is_none() -> None:
    assert "no such host" in said(Serving(host="no such host"))


def test_a_name_that_cannot_be_allowed() -> None:
    assert "--allowed-host" in said(Serving(allowed_hosts=("https://a.example/",)))


@pytest.mark.parametrize(
    ("serving", "shared"),
    [
        (Serving(), False),
        (Serving(host="localhost"), False),
        (Serving(host="::1"), False),
        (Serving(host="127.0.0.2"), False),
        (Serving(host="::"), True),
        (Serving(host=""), True),
        (Serving(host="page.example"), True),  # wherever that leads
        (Serving(host="0.0.0.0"), True),
        (Serving(host="192.0.2.1"), True),
        (Serving(share=True), True),
        (Serving(auth=("a", "b")), True),
        (Serving(allowed_hosts=("rpg.example.org",)), True),
    ],
)
def test_whether_a_page_is_shared(serving: Serving, shared: bool) -> None:
    assert serving.shared == shared


def test_behind_a_login_mcp_tools_always_have_a_token() -> None:
    own = SecretStr("mine")
    assert _token(Serving(mcp=True)) is None
    assert _token(Serving(mcp=True, mcp_token=own)) is own
    made = _token(Serving(mcp=True, auth=("a", "b")))
    assert made is not None and len(made.get_secret_value()) > 20
    assert made != _token(Serving(mcp=True, auth=("a", "b")))
    assert repr(own.get_secret_value()) not in repr(Serving(mcp_token=own))


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--model", "MISSING"], {}, "MISSING: there is no such folder or file"),
        (["--model", "./foo"], {}, "./foo: there is no such folder or file"),
        (["--model", "/foo/bar"], {}, "/foo/bar: there is no such folder or file"),
        (["--model", "C:\\foo"], {}, "C:\\foo: there is no such folder or file"),
        (["--loras", "MISSING"], {}, "--loras MISSING: no such folder"),
        (["--device", "nosuch"], {}, "device 'nosuch': "),
        ([], {"RPG_MODEL": "/missing"}, "/missing: there is no such folder or file"),
        ([], {"RPG_DEVICE": "nosuch"}, "device 'nosuch': "),
    ],
)
def test_one_line_and_exit_code_2(
    arguments: list[str],
    environment: dict[str, str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments, env=environment)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
