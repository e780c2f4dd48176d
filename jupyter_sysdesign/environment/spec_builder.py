"""Turns a validated ``compose.yaml`` into a ``Spec`` whose names and addresses lead somewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from jupyter_sysdesign import yaml_file
from jupyter_sysdesign.environment import addresses, commands
from jupyter_sysdesign.environment.compose import HAPROXY_CONFIG, IMAGES, POSTGRES_INIT, ComposeFile
from jupyter_sysdesign.environment.passwords import token
from jupyter_sysdesign.environment.replication import follow
from jupyter_sysdesign.environment.spec import FILE, LinkSpec, Mount, Route, ServiceSpec, Spec
from jupyter_sysdesign.errors import InvalidFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jupyter_sysdesign.environment.compose import Service
    from jupyter_sysdesign.environment.source import Source

# What a service of a kind may have mounted; Python services may have anything.
_ONLY_TARGET = {"postgres": POSTGRES_INIT, "haproxy": HAPROXY_CONFIG, "valkey": ""}


def build_spec(source: Source) -> Spec:
    """Read, validate and cross-check ``compose.yaml``.

    Raises:
        InvalidFileError: with the line of the first thing that is wrong.
    """
    return _Builder(source).build()


class _Builder:
    """Turns the validated file into a ``Spec``; every complaint names a line."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.document = yaml_file.read(source.locate(FILE), FILE)
        self.file = self.document.validate(ComposeFile)

    def fail(self, message: str, *where: str | int, hint: str = "") -> NoReturn:
        raise InvalidFileError(message, file=FILE, line=self.document.line(where), hint=hint)

    def build(self) -> Spec:
        services = {name: self._service(name, each) for name, each in self.file.services.items()}
        for name, each in services.items():
            services[name] = self._follow(each, services)
        for name, each in services.items():
            for other in each.depends_on:
                if other not in services:
                    self.fail(f"there is no service {other}", "services", name, "depends_on", other)
        services = {name: services[name] for name in self._order(services)}
        found = [link for each in services.values() for link in self._talks_to(each, services)]
        for source, target, port in found:
            services[target] = self._reachable(services[source], services[target], port)
        for each in services.values():
            self._check_tokens(each, services)
        pairs = [(name, other) for name, each in services.items() for other in each.depends_on]
        return Spec(
            name=self.file.name,
            services=services,
            links=self._links([*pairs, *((one, two) for one, two, _ in found)], services),
            entry=self._entry(services),
            routes=self._routes(found, services),
        )

    def _service(self, name: str, part: Service) -> ServiceSpec:
        kind = IMAGES.get(part.image)
        if kind is None:
            known = ", ".join(IMAGES)
            self.fail(
                f"{part.image} is no image here; there are {known}", "services", name, "image"
            )
        spec = ServiceSpec(
            name=name,
            kind=kind,
            command=part.command,
            environment=part.environment,
            volumes=part.volumes,
            ports=part.ports,
            depends_on=tuple(part.depends_on),
            cpus=part.deploy.resources.limits.cpus,
            memory_bytes=part.deploy.resources.limits.memory,
            working_dir=part.working_dir,
            configs=self._configs(name, part),
            durable=part.x_sysdesign.durable,
            replica_of=part.x_sysdesign.replica_of,
            stop_timeout_s=part.stop_grace_period,
        )
        self._check_volumes(spec)
        try:
            port = commands.check(spec)
        except commands.CommandError as error:
            self.fail(str(error), "services", name, *error.where)
        if spec.durable and kind != "postgres":
            self.fail("only a database can be durable", "services", name, "x-sysdesign", "durable")
        if spec.working_dir and kind != "python":
            self.fail("working_dir is for Python services", "services", name, "working_dir")
        if part.ports and kind not in ("python", "haproxy"):
            self.fail("only python and haproxy can be published", "services", name, "ports")
        if part.ports and kind == "python" and port != part.ports[0]:
            self.fail(
                f"the command listens on {port}, not on {part.ports[0]}",
                "services",
                name,
                "ports",
                0,
            )
        return replace(spec, port=port, tcp=bool(part.ports))

    def _follow(self, spec: ServiceSpec, services: Mapping[str, ServiceSpec]) -> ServiceSpec:
        try:
            return follow(spec, services)
        except commands.CommandError as error:
            self.fail(str(error), "services", spec.name, *error.where)

    def _check_volumes(self, spec: ServiceSpec) -> None:
        for index, mount in enumerate(spec.volumes):
            where = ("services", spec.name, "volumes", index)
            if not self.source.locate(mount.source).exists():
                self.fail(f"./{mount.source} does not exist", *where)
            allowed = _ONLY_TARGET.get(spec.kind, mount.target)
            if mount.target != allowed:
                self.fail(f"{spec.kind} takes {allowed or 'no volumes'}", *where)
            if spec.kind == "postgres" and not (self.source.pristine / mount.source).is_dir():
                self.fail(f"./{mount.source} is no folder of the lesson", *where)

    def _configs(self, name: str, part: Service) -> tuple[Mount, ...]:
        found = [each for each in part.volumes if each.target == HAPROXY_CONFIG]
        if part.configs and IMAGES.get(part.image) != "haproxy":
            self.fail("configs are for HAProxy", "services", name, "configs")
        for index, use in enumerate(part.configs):
            declared = self.file.configs.get(use.source)
            if declared is None:
                self.fail(f"there is no config {use.source}", "services", name, "configs", index)
            if not self.source.locate(declared.file).is_file():
                self.fail(f"./{declared.file} does not exist", "configs", use.source, "file")
            found.append(Mount(declared.file, use.target, read_only=True))
        return tuple(found)

    def _order(self, services: Mapping[str, ServiceSpec]) -> list[str]:
        """Return the names, dependencies first, otherwise as they stand in the file."""
        done: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                circle = " → ".join([*path[path.index(name) :], name])
                self.fail(f"services wait for each other: {circle}", "services", name, "depends_on")
            if name not in done:
                for other in services[name].depends_on:
                    visit(other, (*path, name))
                done.append(name)

        for name in services:
            visit(name, ())
        return done

    def _talks_to(
        self, spec: ServiceSpec, services: Mapping[str, ServiceSpec]
    ) -> Iterable[tuple[str, str, int]]:
        words = spec.command if spec.kind == "python" else ()
        for text in [*spec.environment.values(), *words, *self._config_texts(spec)]:
            for target, port in addresses.references(text, services):
                if target != spec.name:
                    yield spec.name, target, port

    def _config_texts(self, spec: ServiceSpec) -> Iterable[str]:
        for each in spec.configs:
            path = self.source.locate(each.source)
            try:
                yield path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidFileError(f"not readable ({error})", file=each.source) from error

    def _reachable(self, client: ServiceSpec, server: ServiceSpec, port: int) -> ServiceSpec:
        """Give ``server`` a TCP port where ``client`` could not use a unix socket."""
        if client.kind == "haproxy" or server.kind in ("postgres", "valkey"):
            return server
        if server.kind == "haproxy" and server.port is None:
            return replace(server, tcp=True, port=port)
        return replace(server, tcp=True)

    def _check_tokens(self, spec: ServiceSpec, services: Mapping[str, ServiceSpec]) -> None:
        known = {token(name): "" for name, each in services.items() if not each.replica_of}
        for name, value in spec.environment.items():
            where = ("services", spec.name, "environment", name)
            self._guard(lambda value=value: self._check_value(value, known, services), where)  # type: ignore[misc]
        for index, value in enumerate(spec.command):
            where = ("services", spec.name, "command", index)  # type: ignore[assignment]
            if spec.kind == "python":
                self._guard(lambda value=value: self._check_value(value, known, services), where)  # type: ignore[misc]
            else:
                self._guard(lambda value=value: addresses.substitute(value, known), where)  # type: ignore[misc]
        for each in spec.configs:
            text = self.source.locate(each.source).read_text(encoding="utf-8")
            for number, line in enumerate(text.splitlines(), 1):
                self._check_line(line, services, each.source, number)

    @staticmethod
    def _check_line(line: str, services: Mapping[str, ServiceSpec], file: str, number: int) -> None:
        try:
            addresses.check(line, services, config=True)
        except addresses.TokenError as error:
            raise InvalidFileError(str(error), file=file, line=number) from error

    @staticmethod
    def _check_value(
        value: str, known: Mapping[str, str], services: Mapping[str, ServiceSpec]
    ) -> None:
        addresses.substitute(value, known)
        addresses.check(value, services)

    def _guard(self, check: Callable[[], object], where: tuple[str | int, ...]) -> None:
        try:
            check()
        except addresses.TokenError as error:
            self.fail(str(error), *where)

    def _links(
        self, pairs: Iterable[tuple[str, str]], services: Mapping[str, ServiceSpec]
    ) -> tuple[LinkSpec, ...]:
        marked = []
        for index, each in enumerate(self.file.x_sysdesign.links):
            for name in (each.source, each.target):
                if name not in services:
                    self.fail(f"there is no service {name}", "x-sysdesign", "links", index)
            marked.append((each.source, each.target))
        unique = dict.fromkeys([*pairs, *marked])
        return tuple(LinkSpec(*pair, marked=pair in marked) for pair in unique)

    def _routes(
        self, found: Iterable[tuple[str, str, int]], services: Mapping[str, ServiceSpec]
    ) -> tuple[Route, ...]:
        """Return where the links that are marked lead, one route for each port that is named."""
        routes: dict[tuple[str, str, int], Route] = {}
        for index, link in enumerate(self.file.x_sysdesign.links):
            ports = [port for *pair, port in found if pair == [link.source, link.target]]
            if not ports:
                self.fail(
                    f"{link.source} names no address of {link.target}: "
                    "there is nothing that a fault could be put on",
                    "x-sysdesign",
                    "links",
                    index,
                )
            target = services[link.target]
            for port in ports:
                tcp = target.tcp and port == target.port
                key = link.source, link.target, port
                routes[key] = Route(link.source, link.target, port, tcp=tcp)
        return tuple(routes.values())

    def _entry(self, services: Mapping[str, ServiceSpec]) -> str | None:
        published = [name for name, each in services.items() if each.ports]
        chosen = self.file.x_sysdesign.entry
        if chosen is not None:
            if chosen not in published:
                self.fail(f"{chosen} is no published service", "x-sysdesign", "entry")
            return chosen
        if len(published) > 1:
            names = ", ".join(published)
            self.fail(f"several services are published ({names}): name one as entry", "x-sysdesign")
        return published[0] if published else None
