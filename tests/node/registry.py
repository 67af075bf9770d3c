"""A registry on this machine that can be slow, closed or broken as registries are.

The images are in Debian's docker-registry; nginx stands before it and misbehaves as it is told.
Every node gets every image from here, whatever registry its name says.
"""

import contextlib
import http.client
import json
import signal
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.node.control_plane import free_port
from tests.node.images import Blob, BuiltImage, Image, build
from tests.node.run import Process, Run

NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")


@dataclass(frozen=True)
class Conduct:
    """How the registry answers for a repository."""

    status: int | None = None
    """Answer everything with this HTTP status."""
    delay_seconds: float = 0
    """Answer only after this time."""
    bytes_per_second: int | None = None
    """Send no faster than this on any one connection."""
    user: str = ""
    password: str = ""


@dataclass
class Registry:
    """A running registry; `address` is what nodes talk to."""

    run: Run
    address: str
    storage: str
    nginx: Process
    conduct: dict[str, Conduct] = field(default_factory=dict)

    def push(self, image: Image, *references: str) -> BuiltImage:
        """Builds an image and stores it under each of these names; they share one image ID."""
        built = build(image)
        for reference in references:
            repository, tag = split(reference)
            for blob in (built.layer, built.config):
                self._upload(repository, blob)
            self._put_manifest(repository, built.manifest, built.manifest.digest)
            self._put_manifest(repository, built.index, tag)
        return built

    def set_conduct(self, conduct: Conduct, *repositories: str) -> None:
        """Sets how these repositories (none named: all others) are served from now on."""
        self.conduct.update(dict.fromkeys(map(path_of, repositories or ("",)), conduct))
        self._reload()

    def reset(self) -> None:
        """Serves everything at once and to everyone again."""
        self.conduct.clear()
        self._reload()

    def downloads(self) -> list[str]:
        """Every repository that a layer or config was served from so far, once for each blob."""
        lines = (self.run.folder / "nginx/access.log").read_text().splitlines()
        served = [line.split() for line in lines]
        return [
            path.removeprefix("/v2/").partition("/blobs/")[0]
            for method, path, status in served
            if method == "GET" and "/blobs/" in path and status in ("200", "206")
        ]

    def _upload(self, repository: str, blob: Blob) -> None:
        """Stores one blob, unless it is there."""
        path = f"/v2/{repository}/blobs"
        if self._request("HEAD", f"{path}/{blob.digest}")[0] == http.client.OK:
            return
        _, location = self._request("POST", f"{path}/uploads/")
        self._request("PUT", f"{location}&digest={blob.digest}", blob.content)

    def _put_manifest(self, repository: str, manifest: Blob, name: str) -> None:
        """Stores a manifest under a tag or its digest."""
        path = f"/v2/{repository}/manifests/{name}"
        self._request("PUT", path, manifest.content, manifest.media_type)

    def _request(
        self, method: str, path: str, body: bytes | None = None, media_type: str = ""
    ) -> tuple[int, str]:
        """One request to the storage, past nginx: the status and where it points to."""
        connection = http.client.HTTPConnection(self.storage, timeout=60)
        headers = {"Content-Type": media_type or "application/octet-stream"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        missing = method == "HEAD" and answer.status == http.client.NOT_FOUND
        if answer.status >= http.client.BAD_REQUEST and not missing:
            raise RuntimeError(f"{method} {path}: {answer.status}: {text[:300]!r}")
        place = answer.getheader("Location", "").partition(f"//{self.storage}")
        return answer.status, place[2] or place[0]

    def _reload(self) -> None:
        """Makes nginx serve as configured now; downloads that have begun go on as they were."""
        write_configuration(self.run, self.address, self.storage, self.conduct)
        replaced = children(self.nginx)
        self.nginx.popen.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 30
        # nginx starts its new workers before it tells the old ones to accept no more.
        while any(map(accepts, replaced)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"nginx refuses its settings\n{self.run.log_tail('nginx')}")
            time.sleep(0.02)


def children(process: Process) -> list[str]:
    """The pids of the processes that a process has started."""
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def accepts(worker: str) -> bool:
    """Whether a worker of nginx still takes new connections."""
    try:
        return "shutting down" not in Path(f"/proc/{worker}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def start_registry(run: Run, host: str) -> Registry:
    """Starts an empty registry that listens on an address of this machine."""
    address, storage = f"{host}:{free_port(host)}", f"127.0.0.1:{free_port()}"
    start_storage(run, storage)
    (run.folder / "nginx").mkdir()
    write_configuration(run, address, storage, {})
    configuration = run.folder / "nginx/nginx.conf"
    prefix = f"{run.folder / 'nginx'}/"
    nginx = run.start("nginx", ["nginx", "-e", "stderr", "-p", prefix, "-c", configuration])
    wait_for_answer(run, "nginx", f"http://{address}/v2/")
    return Registry(run, address, storage, nginx)


def start_storage(run: Run, address: str) -> None:
    """Starts docker-registry with its files in the run's folder."""
    configuration = run.folder / "registry.json"
    settings = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(run.folder / "registry")}},
        "http": {"addr": address},
    }
    configuration.write_text(json.dumps(settings))
    run.start("docker-registry", ["docker-registry", "serve", configuration])
    wait_for_answer(run, "docker-registry", f"http://{address}/v2/")


def write_configuration(run: Run, address: str, storage: str, conduct: dict[str, Conduct]) -> None:
    """Writes nginx's configuration for what the registry is told to do."""
    folder = run.folder / "nginx"
    places = [
        location(folder, number, repository, conduct[repository], storage)
        for number, repository in enumerate(sorted(conduct, key=len, reverse=True))
    ]
    if "" not in conduct:
        places.append(location(folder, len(places), "", Conduct(), storage))
    (folder / "nginx.conf").write_text(
        f"""load_module {NGINX_MODULE};
daemon off;
user root;
pid {folder}/nginx.pid;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
  log_format requests '$request_method $uri $status';
  access_log {folder}/access.log requests;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 1h;
  server {{
    listen {address};
    {" ".join(places)}
  }}
}}
"""
    )


def location(folder: Path, number: int, repository: str, conduct: Conduct, storage: str) -> str:
    """The part of nginx's configuration for one repository."""
    path = f"^~ /v2/{repository}/" if repository else "/"
    if conduct.status:
        return f"location {path} {{ return {conduct.status}; }}"
    serve = f"proxy_pass http://{storage}; proxy_set_header Host $http_host;"
    if conduct.bytes_per_second:
        serve += f" limit_rate {conduct.bytes_per_second};"
    if conduct.password:
        passwords = folder / f"passwords-{number}"
        passwords.write_text(f"{conduct.user}:{{PLAIN}}{conduct.password}\n")
        serve += f" auth_basic registry; auth_basic_user_file {passwords};"
    if not conduct.delay_seconds:
        return f"location {path} {{ {serve} }}"
    wait = f"echo_sleep {conduct.delay_seconds}; echo_exec @{number};"
    return f"location {path} {{ {wait} }} location @{number} {{ {serve} }}"


def wait_for_answer(run: Run, name: str, url: str) -> None:
    """Waits until a server answers, and fails with its last words where it does not."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"{name} does not answer\n{run.log_tail(name)}")


def split(reference: str) -> tuple[str, str]:
    """The repository and tag that a reference means, without its registry."""
    path, slash, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return path_of(f"{path}{slash}{name}"), tag or "latest"


def path_of(name: str) -> str:
    """The repository of an image's name in a registry: that of docker.io is not written out."""
    first, _, rest = name.partition("/")
    if "." in first or ":" in first or first == "localhost":
        return rest
    return name if rest or not name else f"library/{name}"
