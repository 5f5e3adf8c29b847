"""The servers that are compared, each with the same upstream, listener and certificate."""

import os
import re
import shutil
import subprocess

from processes import Server, answers, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NAMES = ["aloft", "nginx", "haproxy"]
TITLES = {"aloft": "Aloft", "nginx": "nginx", "haproxy": "HAProxy"}

# The fields that Aloft adds to each request, for the scenarios in which its rivals do that work as well.
NGINX_FORWARDING = """proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header Forwarded "for=$remote_addr;host=$http_host;proto=$scheme";
            proxy_set_header X-Request-Id $request_id;"""
HAPROXY_FORWARDING = """option forwardfor
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    http-request set-header Forwarded for=%[src];host=%[req.hdr(host)];proto=http
    http-request set-header X-Request-Id %[uuid()]"""


class Setting:
    """What one scenario asks of the servers."""

    def __init__(self, folder, unix=False, tls=False, forwarding=False, under=lambda command: command, patience=20):
        """`under` puts a command under another program, such as callgrind; `patience` is for its start, in seconds."""
        self.folder, self.unix, self.tls, self.forwarding = folder, unix, tls, forwarding
        self.under, self.patience = under, patience
        self.certificate, self.key = certificate(folder) if tls else (None, None)

    def upstream(self):
        """Starts the upstream that nginx and HAProxy share; Aloft starts one of its own."""
        if self.unix:
            path = os.path.join(self.folder, "upstream.sock")
            environment, self.address = {"SOCKET": path}, f"unix:{path}"
            ready = lambda: os.path.exists(path)
        else:
            port = free_port()
            environment, self.address = {"PORT": str(port)}, f"127.0.0.1:{port}"
            ready = lambda: answers(port)
        command = [os.path.join(HERE, "serve-upstream")]
        return Server("upstream", command, self.folder, environment, cpu="1").wait_until(ready)

    def start(self, name):
        port = free_port()
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        command, environment = getattr(self, name)(folder, port)
        server = Server(name, self.under(command), folder, environment)
        server.port = port
        return server.wait_until(lambda: answers(port, self.tls), self.patience)

    def nginx(self, folder, port):
        keys = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};" if self.tls else ""
        path = fill("nginx.conf", folder, port=port, upstream=self.address, certificate=keys,
                    listen_options=" ssl" if self.tls else "",
                    forwarding=NGINX_FORWARDING if self.forwarding else "")
        os.makedirs(os.path.join(folder, "body"), exist_ok=True)
        return [program("nginx"), "-e", "stderr", "-p", folder, "-c", path], None

    def haproxy(self, folder, port):
        address = self.address.replace("unix:", "unix@")
        options = ""
        if self.tls:
            both = os.path.join(folder, "both.pem")
            with open(both, "w") as joined:
                for part in (self.certificate, self.key):
                    with open(part) as pem:
                        joined.write(pem.read())
            options = f" ssl crt {both}"
        path = fill("haproxy.cfg", folder, port=port, upstream=address, listen_options=options,
                    forwarding=HAPROXY_FORWARDING if self.forwarding else "")
        return [program("haproxy"), "-db", "-f", path], None

    def aloft(self, folder, port):
        keys = ""
        if self.tls:
            keys = ("tls: {certificates: [{hosts: [localhost], "
                    f"files: {{certificate: {self.certificate}, key: {self.key}}}}}]}}")
        fill("aloft.yaml", folder, port=port, admin=free_port(), here=HERE, listen="unix" if self.unix else "port",
             certificate=keys, listen_options=", tls: true" if self.tls else "")
        return [aloft_binary(), "up"], {"ALOFT_EDGE_LOOPS": "1"}


def aloft_binary():
    return os.path.abspath(os.environ.get("ALOFT_BINARY", os.path.join(ROOT, ".build/release/aloft")))


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed; `make setup` installs it")
    return found


def version(name):
    command = {"aloft": [aloft_binary(), "--version"], "nginx": [program("nginx"), "-v"],
               "haproxy": [program("haproxy"), "-v"], "wrk": [program("wrk"), "-v"]}[name]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    text = (done.stdout + done.stderr).strip().splitlines()[0]
    return re.search(r"\d+\.\d+[^\s]*", text)[0]


def fill(template, folder, **values):
    """Writes a template of configuration/ with its @names@ filled in, and gives the path."""
    with open(os.path.join(HERE, "configuration", template)) as source:
        text = source.read()
    for name, value in {"folder": folder, **values}.items():
        text = text.replace(f"@{name}@", str(value))
    path = os.path.join(folder, template)
    with open(path, "w") as written:
        written.write(text)
    return path


def certificate(folder):
    """An ECDSA P-256 certificate for localhost, made once per folder."""
    paths = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    if not os.path.exists(paths[0]):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "7",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]],
            check=True, capture_output=True)
    return paths
