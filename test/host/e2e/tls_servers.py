"""TLS servers that the daemon keeps in certificates, each as its own manual has it: what it reads, and how
it is told that there is something new. On a free port of the loopback; started and stopped here."""
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

from lab import PATIENCE, Process, free_port, listens, wait_until


def program(name):
    """Of scripts/setup test; where not everybody's PATH leads."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert path is not None, f"{name} is not here: scripts/setup test"
    return path


class TlsServer:
    """home: DIR/NAME of --out-dir. reload: what the hook runs, in a shell."""

    def __init__(self, folder, home):
        self.folder, self.current = str(folder), os.path.join(str(home), "current")
        self.port = free_port()
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        return self.path(name)

    def run(self, argv):
        self.process = Process(type(self).__name__.lower(), argv, self.folder)
        wait_until(lambda: listens(self.port), f"{argv[0]} to listen", 20, self.process.log)
        return self

    def log(self):
        return self.process.log()

    def stop(self):
        if self.process is not None:
            self.process.stop()


OWN = """
import os, signal, socket, ssl, sys, threading
def load(*_):
    # The version that is current now: chain and key of one issuance. What is loaded into a context that is in
    # use is seen half by a handshake that begins meanwhile: a new one is taken when it is whole.
    global context
    folder = os.path.realpath(sys.argv[2])
    new = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    new.load_cert_chain(folder + "/fullchain.pem", folder + "/privkey.pem")
    context = new
def serve(stream, context):
    try:
        with context.wrap_socket(stream, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"ok")
    except (OSError, ssl.SSLError):
        pass
load()
signal.signal(signal.SIGUSR1, load)
with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64) as listener:
    print("ready", flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(stream, context), daemon=True).start()
"""


class Own(TlsServer):
    """Python's: reads the version's files through the link, and tells by a signal."""

    def start(self):
        return self.run(["/usr/bin/python3", self.write("own.py", OWN), str(self.port), self.current])

    @property
    def reload(self):
        return f"kill -USR1 {self.process.popen.pid}"


NGINX = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {current}/fullchain.pem;
        ssl_certificate_key {current}/privkey.pem;
        location / {{ return 200 "ok"; }}
    }}
}}
"""


class Nginx(TlsServer):
    """Reads fullchain.pem and privkey.pem through the link, at each reload."""

    def start(self):
        config = self.write("nginx.conf", NGINX.format(folder=self.folder, port=self.port,
                                                       current=self.current))
        self.argv = [program("nginx"), "-p", self.folder, "-e", "stderr", "-c", config]
        return self.run(self.argv)

    @property
    def reload(self):
        return " ".join([*self.argv, "-s", "reload"])


HAPROXY = """
global
    stats socket {folder}/admin.sock mode 600 level admin
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend tls
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem
    http-request return status 200 content-type text/plain string ok
"""


TELL = """
import socket, sys
name = sys.argv[2]
with open(name, encoding="ascii") as f:
    pem = "".join(line for line in f if line.strip())
for order in (f"set ssl cert {name} <<\\n{pem}\\n", f"commit ssl cert {name}\\n"):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        s.sendall(order.encode())
        answer = b""
        while part := s.recv(4096):
            answer += part
    if b"Transaction" not in answer and b"Success" not in answer:
        sys.exit(answer.decode())
"""


class Haproxy(TlsServer):
    """Reads one file with chain and key, which the hook makes: beside the old one, then renamed, for the next
    start. The one that runs is given it by its own socket, and answers when it is in use. (A reload does it, too,
    but a signal that comes while another reload is under way is lost: certificates are seldom that many.)"""

    @property
    def join(self):
        return (f'umask 077; cat "{self.current}/fullchain.pem" "{self.current}/privkey.pem" > {self.folder}/both.new'
                f" && mv {self.folder}/both.new {self.folder}/both.pem")

    def start(self):
        subprocess.run(["/bin/sh", "-c", self.join], check=True, timeout=60 * PATIENCE)
        self.write("tell.py", TELL)
        config = self.write("haproxy.cfg", HAPROXY.format(folder=self.folder, port=self.port))
        return self.run([program("haproxy"), "-W", "-f", config])

    @property
    def reload(self):
        return f"{self.join} && /usr/bin/python3 {self.folder}/tell.py {self.folder}/admin.sock {self.folder}/both.pem"


SERVERS = {"own": Own, "nginx": Nginx, "haproxy": Haproxy}


class Handshakes:
    """Dials the server without a pause, and verifies it as any client would."""

    def __init__(self, port, name, root):
        self.port, self.name = port, name
        self.context = ssl.create_default_context(cafile=root)
        self.count, self.failures, self.serials = 0, [], []
        self.going = True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while self.going:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 10 * PATIENCE) as stream, \
                        self.context.wrap_socket(stream, server_hostname=self.name) as tls:
                    tls.sendall(b"GET / HTTP/1.0\r\nHost: " + self.name.encode() + b"\r\n\r\n")
                    assert b"ok" in self._read(tls)
                    serial_number = tls.getpeercert()["serialNumber"]
                    if not self.serials or self.serials[-1] != serial_number:
                        self.serials.append(serial_number)
                    self.count += 1
            except (OSError, ssl.SSLError, AssertionError) as e:
                self.failures.append((time.time(), repr(e)))
            time.sleep(0.01)

    @staticmethod
    def _read(tls):
        text = b""
        while part := tls.recv(4096):
            text += part
        return text

    def stop(self):
        self.going = False
        self.thread.join()
