"""compose.yaml: what it becomes, and the line of everything that can be wrong in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyter_sysdesign.environment.spec import LinkSpec, Route, load_spec
from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_sysdesign.environment.source import Source

DB = """
  db:
    image: sysdesign/postgres:18
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "${SYSDESIGN_PASSWORD_DB}"}
"""
APP = """
  app:
    image: sysdesign/python:3
    working_dir: /app
    command: ["uvicorn", "server:app", "--port", "8000"]
    volumes: ["./app:/app:ro"]
"""
CACHE = """
  cache:
    image: sysdesign/valkey:9
    command: [valkey-server, --requirepass, "${SYSDESIGN_PASSWORD_CACHE}"]
"""


def compose(*services: str, top: str = "") -> dict[str, str]:
    return {
        "compose.yaml": f"name: made-up\n{top}services:" + "".join(services),
        "app/server.py": "",
        "haproxy.cfg": "frontend f\n  bind :8080\n  server app app:8000\n",
    }


def test_reads_the_lesson_s_services_in_start_order(make_lesson: Callable[..., Source]) -> None:
    app = APP + '    depends_on: {db: {condition: service_healthy}}\n    ports: ["8000"]\n'
    limits = '    deploy: {resources: {limits: {cpus: "0.4", memory: 512M}}}\n'
    spec = load_spec(make_lesson(compose(app, DB + limits)))
    assert list(spec.services) == ["db", "app"]
    assert spec.services["db"].cpus == 0.4
    assert spec.services["db"].memory_bytes == 512 * 2**20
    assert spec.services["app"].port == 8000
    assert spec.entry == "app"
    assert list(spec.tcp()) == ["app"]
    assert spec.links == (LinkSpec("app", "db"),)


def test_the_tiny_lessons_are_understood(tiny_full_lesson: Source) -> None:
    spec = load_spec(tiny_full_lesson)
    assert [each.kind for each in spec.services.values()] == [
        *("postgres", "valkey", "python", "python", "haproxy")
    ]
    assert spec.entry == "lb"
    assert LinkSpec("app1", "cache") in spec.links
    assert LinkSpec("lb", "app2") in spec.links


def test_an_app_that_another_app_calls_over_http_gets_a_port(
    make_lesson: Callable[..., Source],
) -> None:
    caller = APP.replace("  app:", "  web:") + '    environment: {API: "http://app:8000/"}\n'
    spec = load_spec(make_lesson(compose(APP, caller)))
    assert list(spec.tcp()) == ["app"]
    assert spec.entry is None


def test_anchors_and_merges_work(make_lesson: Callable[..., Source]) -> None:
    top = "x-app: &app\n  image: sysdesign/python:3\n  command: [python, work.py]\n"
    spec = load_spec(make_lesson(compose("\n  one: *app\n  two: {<<: *app}\n", top=top)))
    assert [each.command for each in spec.services.values()] == [("python", "work.py")] * 2
    assert spec.services["one"].port is None


def test_marked_links_are_marked(make_lesson: Callable[..., Source]) -> None:
    top = "x-sysdesign: {links: [{source: app, target: db}, {source: web, target: app}]}\n"
    app = APP + "    environment: {DATABASE_URL: 'postgresql://shop@db:5432/shop'}\n"
    web = APP.replace("  app:", "  web:") + '    environment: {API: "http://app:8000/"}\n'
    spec = load_spec(make_lesson(compose(app, DB, web, top=top)))
    assert set(spec.links) == {
        LinkSpec("app", "db", marked=True),
        LinkSpec("web", "app", marked=True),
    }
    assert spec.routes == (Route("app", "db", 5432), Route("web", "app", 8000, tcp=True))
    assert list(spec.tcp()) == ["app", "web>app:8000"]


REPLICA = """
  replica:
    image: sysdesign/postgres:18
    x-sysdesign: {replica_of: db}
"""


def test_a_replica_has_the_database_and_the_settings_of_its_primary(
    make_lesson: Callable[..., Source],
) -> None:
    command = "    command: [postgres, -c, {}]\n"
    spec = load_spec(
        make_lesson(
            compose(
                REPLICA + command.format("work_mem=8MB"), DB + command.format("max_connections=30")
            )
        )
    )
    assert list(spec.services) == ["db", "replica"]
    db, replica = spec.services.values()
    assert replica.replica_of == "db"
    assert replica.environment == db.environment
    assert replica.command == ("postgres", "-c", "max_connections=30", "-c", "work_mem=8MB")
    assert spec.links == (LinkSpec("replica", "db"),)
    assert spec.replicas("db") == ["replica"]


WRONG = {
    "a replica of nothing": (REPLICA, 5, "there is no service db"),
    "a replica of itself": (
        REPLICA.replace("of: db", "of: replica"),
        5,
        "replica cannot be a replica of itself",
    ),
    "a replica of a replica": (
        DB + REPLICA + REPLICA.replace("  replica:", "  second:").replace("of: db", "of: replica"),
        13,
        "replica is a replica itself; name its primary, db",
    ),
    "a replica of an app": (
        APP + REPLICA.replace("of: db", "of: app"),
        11,
        "app is no database",
    ),
    "an app as a replica": (
        DB + APP + "    x-sysdesign: {replica_of: db}\n",
        12,
        "only a database can be a replica",
    ),
    "a replica's own scripts": (
        DB + REPLICA + '    volumes: ["./app:/docker-entrypoint-initdb.d:ro"]\n',
        10,
        "a replica runs no scripts of its own",
    ),
    "a replica's own database": (
        DB + REPLICA + "    environment: {POSTGRES_USER: shop}\n",
        10,
        "a replica takes no environment",
    ),
    "a cache with an environment": (
        CACHE + "    environment: {VALKEY_PASSWORD: x}\n",
        6,
        "Valkey takes no environment here",
    ),
    "a durable cache": (
        CACHE + "    x-sysdesign: {durable: true}\n",
        6,
        "only a database can be durable",
    ),
    "a cache that works somewhere": (
        CACHE + "    working_dir: /data\n",
        6,
        "working_dir is for Python services",
    ),
    "a replica that allows less": (
        DB + REPLICA + "    command: [postgres, -c, max_connections=20]\n",
        10,
        "max_connections must be at least db's, 100",
    ),
    "a password of a replica": (
        DB + REPLICA + APP + '    environment: {P: "${SYSDESIGN_PASSWORD_REPLICA}"}\n',
        16,
        "SYSDESIGN_PASSWORD_REPLICA} is not known",
    ),
    "a marked link between the two": (
        DB + REPLICA + "x-sysdesign:\n  links:\n    - {source: replica, target: db}\n",
        12,
        "replica names no address of db",
    ),
    "a marked link without an address": (
        APP + DB + "x-sysdesign:\n  links:\n    - {source: app, target: db}\n",
        14,
        "app names no address of db",
    ),
    "an unknown key": (APP + "    restart: always\n", 8, "restart: this key is not known"),
    "an unknown top key": ("\n  a: {image: x}\nvolumes: {}\n", 4, "volumes: this key is not known"),
    "no image of ours": (APP.replace("python:3", "ruby:3"), 4, "sysdesign/ruby:3 is no image here"),
    "an unknown dependency": (APP + "    depends_on: [db]\n", 8, "there is no service db"),
    "a port that is none": (APP + '    ports: ["8000:80"]\n', 8, "name the container port alone"),
    "another port": (APP + '    ports: ["9000"]\n', 8, "the command listens on 8000, not on 9000"),
    "a published database": (DB + '    ports: ["5432"]\n', 6, "only python and haproxy"),
    "no size": (APP + "    deploy: {resources: {limits: {memory: lots}}}\n", 8, "is no size"),
    "no size at all": (
        APP + f"    deploy: {{resources: {{limits: {{memory: {'9' * 400}G}}}}}}\n",
        8,
        "is no size",
    ),
    "more than any machine has": (
        APP + "    deploy: {resources: {limits: {memory: 5000G}}}\n",
        8,
        "is no size",
    ),
    "no duration": (APP + f"    stop_grace_period: {'9' * 400}m\n", 8, "is no duration"),
    "no name to wait for": (APP + "    depends_on: [[db]]\n", 8, "valid dictionary"),
    "a number as a key": (APP + "1: one\n", 8, "1: "),
    "too many cores": (
        APP + f"    deploy: {{resources: {{limits: {{cpus: {'9' * 400}}}}}}}\n",
        8,
        "number of cores",
    ),
    "no cores": (APP + '    deploy: {resources: {limits: {cpus: "0"}}}\n', 8, "number of cores"),
    "a folder outside": (APP.replace("./app:", "../app:"), 7, "must begin with ./"),
    "a folder outside, hidden": (APP.replace("./app:", "./x/../../app:"), 7, "leads outside"),
    "a missing folder": (APP.replace("./app:", "./web:"), 7, "./web does not exist"),
    "a lost address": (
        APP + DB + '  w:\n    image: sysdesign/python:3\n    command: [python, "w.py"]\n'
        "    environment:\n      A: b\n      DATABASE_URL: postgresql://shop@db:5433/shop\n",
        17,
        "db:5433 leads nowhere: db listens on 5432",
    ),
    "a port in a command that nobody listens on": (
        APP + DB + "  w:\n    image: sysdesign/python:3\n"
        '    command: [python, "w.py", "postgresql://shop@db:5433/shop"]\n',
        14,
        "db:5433 leads nowhere: db listens on 5432",
    ),
    "an address without URL": (
        APP + "    environment:\n      DATABASE: db:5432\n" + DB,
        9,
        "inside a URL",
    ),
    "the wrong scheme": (
        APP + "    environment: {CACHE: 'redis://db:5432'}\n" + DB,
        8,
        "redis:// cannot reach db:5432",
    ),
    "an unknown variable": (
        APP + '    environment:\n      SECRET: "${HOME}"\n',
        9,
        "${HOME} is not known",
    ),
    "a password written down": (
        DB.replace("${SYSDESIGN_PASSWORD_DB}", "secret"),
        5,
        "POSTGRES_PASSWORD must be ${SYSDESIGN_PASSWORD_DB}",
    ),
    "the superuser": (DB.replace("POSTGRES_USER: shop", "POSTGRES_USER: postgres"), 5, "taken"),
    "a setting of ours": (
        DB + '    command: [postgres, -c, work_mem=4MB, -c, "listen_addresses=*"]\n',
        6,
        "listen_addresses is set by the runtime",
    ),
    "a boolean": (APP + "    environment: {DEBUG: true}\n", 8, "put it in quotes"),
    "a shell line": (APP.replace('["uvicorn"', '["sh"'), 6, "begins with uvicorn or python"),
    "several processes": (
        APP.replace('"--port"', '"--workers", "2", "--port"'),
        6,
        "a service is one process here",
    ),
    "several processes by its environment": (
        APP + '    environment: {WEB_CONCURRENCY: "2"}\n',
        8,
        "a service is one process here",
    ),
    "no server:name": (APP.replace("  app:", "  App:"), 3, "a letter first"),
    "a circle": (
        APP + "    depends_on: [db]\n" + DB + "    depends_on: [app]\n",
        8,
        "services wait for each other: app → db → app",
    ),
    "two entries": (
        APP + '    ports: ["8000"]\n' + APP.replace("  app:", "  b:") + '    ports: ["8000"]\n',
        None,
        "name one as entry",
    ),
    "a database's other volume": (
        DB + '    volumes: ["./app:/var/lib/postgresql/data"]\n',
        6,
        "postgres takes /docker-entrypoint-initdb.d",
    ),
    "a config of an app": (APP + "    configs: [web]\n", 8, "configs are for HAProxy"),
    "no mapping": ("\n  - app\n", 2, "valid dictionary"),
    "no YAML": ("\n  app: {\n", None, "compose.yaml:"),
    "a service twice": (APP + APP, 9, "duplicate key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_its_line(name: str, make_lesson: Callable[..., Source]) -> None:
    text, line, message = WRONG[name]
    with pytest.raises(InvalidFileError) as caught:
        load_spec(make_lesson(compose(text)))
    assert message in str(caught.value)
    assert caught.value.file == "compose.yaml"
    if line is not None:
        assert caught.value.line == line


def test_a_lost_address_in_haproxy_s_file_is_that_file_s_error(
    make_lesson: Callable[..., Source],
) -> None:
    lb = (
        "\n  lb:\n    image: sysdesign/haproxy:2.8\n    ports: ['8080']\n"
        "    volumes: ['./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro']\n"
    )
    files = compose(APP, lb) | {"haproxy.cfg": "# app:1\nbackend b\n  server a app:8001\n"}
    with pytest.raises(InvalidFileError, match=r"haproxy.cfg:3: app:8001 leads nowhere"):
        load_spec(make_lesson(files))


def test_a_missing_file_is_said(make_lesson: Callable[..., Source]) -> None:
    with pytest.raises(InvalidFileError, match=r"compose.yaml: the file is missing"):
        load_spec(make_lesson({}))
