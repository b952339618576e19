"""nginx as the neighbour: static files by sendfile, PUT by its DAV module without any sync."""

import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

import skerry

CONFIGURATION = """
{user}
worker_processes 2;
daemon off;
pid {base}/nginx.pid;
error_log {base}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    default_type application/octet-stream;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {base}/temporary;
    proxy_temp_path {base}/unused-proxy;
    fastcgi_temp_path {base}/unused-fastcgi;
    uwsgi_temp_path {base}/unused-uwsgi;
    scgi_temp_path {base}/unused-scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {base}/files;
        # Reads bodies and drops them: what the loader can send when nothing else is in the way.
        location /discard/ {{ return 200; }}
        location / {{
            dav_methods PUT;
            create_full_put_path on;
            dav_access user:rw group:r all:r;
        }}
    }}
}}
"""


class Nginx:
    """A running nginx over `base`; a context manager."""

    def __init__(self, base):
        self.base, self.port = pathlib.Path(base), skerry.free_port()
        self.files = self.base / "files"

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.files.mkdir(parents=True)
        (self.base / "temporary").mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.base / "nginx.conf").write_text(CONFIGURATION.format(user=user, base=self.base, port=self.port))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", str(self.base), "-e", str(self.base / "error.log"), "-c", str(self.base / "nginx.conf")])
        deadline = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(self.endpoint).close()
            except urllib.error.HTTPError:
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("nginx did not start: " + (self.base / "error.log").read_text())
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def store(self, path, body):
        """Puts a file where a GET of `path` finds it."""
        file = self.files / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)

    def forget(self, path):
        shutil.rmtree(self.files / path.lstrip("/"), ignore_errors=True)
