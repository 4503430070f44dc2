"""The command line beside other ACME clients, for scripts/bench: each in turn against the same
Pebble, through a relay that counts connections and bytes. Times and memory are ratios to nanoacme
in the same round; of several rounds, the median of the ratios. It must run in a mount namespace of
its own (see scripts/bench), for it puts the test CA's root among the system's."""
import argparse
import functools
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import bench_report

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test/host/e2e"))
import lab as lab_module  # noqa: E402

SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"  # of all four, on Debian
TIME = "/usr/bin/time"
UACME_HOOK = "/usr/share/uacme/uacme.sh"
EMAIL = "bench@example.org"
LIMIT_S = 300
SCENARIOS = (("new account", "first certificate, new account"),
             ("known account", "another certificate, known account"),
             ("renewal", "renewal"))


def die(text):
    sys.exit("bench: error: " + text)


# ---- the clients, each as its documentation has it for http-01 and P-256 ----

class Client:
    """How a client is called; its folder holds its state of one round."""

    def __init__(self, lab, directory, folder):
        self.lab, self.directory, self.folder = lab, directory, folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def during(self):
        """What has to serve while the client runs; not part of what is measured."""
        return None


class Nanoacme(Client):
    name, program = "nanoacme", os.path.join(ROOT, "build/host/nanoacme")
    version = ("--version",)

    def commands(self, scenario, name):
        return [[self.program, "--store", self.path("store.img"), "--server", self.directory,
                 "run", "--domain", name, "--email", EMAIL, "--accept-tos", "--quiet",
                 "--http-port", str(self.lab.http_port),
                 *(["--force"] if scenario == "renewal" else [])]]

    def certificate(self, name):
        out = self.path("chain.pem")
        subprocess.run([self.program, "--store", self.path("store.img"), "export", "--domain", name,
                        "--out", out], check=True, capture_output=True, timeout=60)
        return out


class WebRoot(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Uacme(Client):
    """With the hook of its package, for a web server that is there already."""
    name, program, version = "uacme", "uacme", ("--version",)

    def commands(self, scenario, name):
        base = [self.program, "-a", self.directory, "-c", self.path("conf"), "-t", "EC", "-b",
                "256", "-y"]
        issue = [*base, "-h", UACME_HOOK, *(["-f"] if scenario == "renewal" else []), "issue", name]
        return [[*base, "new", EMAIL], issue] if scenario == "new account" else [issue]

    def certificate(self, name):
        return self.path("conf", name, "cert.pem")

    def during(self):
        os.makedirs(self.path(".well-known/acme-challenge"), exist_ok=True)
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.lab.http_port), functools.partial(WebRoot, directory=self.folder))
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server


class Lego(Client):
    name, program, version = "lego", "lego", ("--version",)

    def commands(self, scenario, name):
        verb = ["renew", "--days", "36500", "--no-random-sleep"] if scenario == "renewal" else \
            ["run"]
        return [[self.program, "--server", self.directory, "--path", self.path("lego"), "--email",
                 EMAIL, "--accept-tos", "--key-type", "ec256", "--domains", name, "--http",
                 "--http.port", f":{self.lab.http_port}", *verb]]

    def certificate(self, name):
        return self.path("lego/certificates", name + ".crt")


class Certbot(Client):
    name, program, version = "certbot", "certbot", ("--version",)

    def commands(self, scenario, name):
        where = ["--config-dir", self.path("config"), "--work-dir", self.path("work"),
                 "--logs-dir", self.path("logs"), "--server", self.directory]
        if scenario == "renewal":
            return [[self.program, "renew", *where, "--cert-name", name, "--force-renewal",
                     "--no-random-sleep-on-renew", "--non-interactive"]]
        return [[self.program, "certonly", *where, "--standalone", "--http-01-port",
                 str(self.lab.http_port), "--key-type", "ecdsa", "--elliptic-curve", "secp256r1",
                 "--email", EMAIL, "--no-eff-email", "--agree-tos", "--non-interactive",
                 "--domain", name]]

    def certificate(self, name):
        return self.path("config/live", name, "fullchain.pem")


CLIENTS = (Nanoacme, Uacme, Lego, Certbot)


# ---- the relay ----

class Relay:
    """Carries connections to Pebble as they are, and counts them and their bytes. Its listener is
    the address of the CA, as far as the clients know."""

    def __init__(self, to_port):
        self.to_port, self.lock = to_port, threading.Lock()
        self.connections = self.sent = self.received = self.open = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to_port))
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.open += 2
            for args in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._carry, args=args, daemon=True).start()

    def _count(self, size, outward, first):
        with self.lock:
            if outward:
                self.sent += size
                self.connections += first  # a connection that says nothing is none
            else:
                self.received += size

    def _carry(self, source, sink, outward):
        first = True
        try:
            while part := source.recv(65536):
                self._count(len(part), outward, first)
                first = False
                sink.sendall(part)
        except OSError:
            pass
        for each, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                each.shutdown(how)
            except OSError:
                pass
        with self.lock:
            self.open -= 1

    def counts(self):
        """Of all that is over."""
        lab_module.wait_until(lambda: self.open == 0, "the end of the client's connections")
        return {"connections": self.connections, "sent": self.sent, "received": self.received}

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


# ---- one measurement ----

def run(argv, env, log):
    """{wall, cpu, memory} of a command with all it starts: seconds, and KiB of the largest of its
    processes. time(1) starts it, for the kernel counts the memory of who starts it, too."""
    peak = log + ".peak"
    with open(log, "ab") as out:
        start = time.monotonic()
        # pylint: disable-next=consider-using-with
        p = subprocess.Popen([TIME, "-q", "-f", "%M", "-o", peak, *argv], stdin=subprocess.DEVNULL,
                             stdout=out, stderr=subprocess.STDOUT, env=env, cwd="/")
        killer = threading.Timer(LIMIT_S, p.kill)
        killer.start()
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - start
        killer.cancel()
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as f:
            die(f"{' '.join(argv)} ended with {p.returncode}:\n{f.read()[-3000:]}")
    with open(peak, encoding="ascii") as f:
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": int(f.read())}


def environment(folder):
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    # Not only the path of a person's shell, and none of their settings.
    return {**env, "HOME": folder, "UACME_CHALLENGE_PATH":
            os.path.join(folder, ".well-known/acme-challenge")}


def measure(client, lab, relay, scenario, name):
    before, logged = relay.counts(), len(lab.requests())
    server = client.during()
    try:
        parts = [run(argv, environment(client.folder), client.path("output.log"))
                 for argv in client.commands(scenario, name)]
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
    after = relay.counts()
    return {"wall": sum(p["wall"] for p in parts), "cpu": sum(p["cpu"] for p in parts),
            "memory": max(p["memory"] for p in parts), "requests": len(lab.requests()) - logged,
            **{key: after[key] - before[key] for key in after}}


def verify(client, root, name, former):
    """By OpenSSL: the chain leads to Pebble's root, the name is right, the key is a P-256 one; of a
    renewal, it is another certificate. The certificate's serial number."""
    chain = client.certificate(name)

    def openssl(*argv):
        done = subprocess.run(["openssl", *argv], capture_output=True, text=True, check=False,
                              timeout=60)
        if done.returncode != 0:
            die(f"{client.name}: openssl {' '.join(argv)}:\n{done.stdout}{done.stderr}")
        return done.stdout
    openssl("verify", "-CAfile", root, "-untrusted", chain, "-verify_hostname", name, chain)
    text = openssl("x509", "-in", chain, "-noout", "-text")
    if "NIST CURVE: P-256" not in text:
        die(f"{client.name}: the certificate for {name} has no P-256 key")
    serial = openssl("x509", "-in", chain, "-noout", "-serial")
    if serial == former:
        die(f"{client.name}: {name} was not renewed")
    return serial


def one_round(lab, relay, root, folder, clients):
    """{scenario: {client: figures}}; the clients in turn, scenario by scenario."""
    all_clients, figures = [], {}
    for each in clients:
        place = os.path.join(folder, each.name)
        os.makedirs(place)
        all_clients.append(each(lab, f"https://127.0.0.1:{relay.port}/dir", place))
    serials = {}
    for scenario, _ in SCENARIOS:
        name = "second.example.org" if scenario == "known account" else "first.example.org"
        figures[scenario] = {}
        for client in all_clients:
            figures[scenario][client.name] = measure(client, lab, relay, scenario, name)
            serials[client.name, name] = verify(client, root, name,
                                                serials.get((client.name, name)))
            print(f"  {scenario}: {client.name} ok", flush=True)
    return figures


# ---- set-up ----

def check_installed(clients):
    for each in (*(c.program for c in clients), TIME, "openssl",
                 *([UACME_HOOK] if Uacme in clients else [])):
        if shutil.which(each) is None and not os.path.exists(each):
            die(f"{each} is missing; run scripts/setup bench")


def versions(clients):
    """{name: version}; lego's package does not know its own."""
    found = {}
    for each in clients:
        done = subprocess.run([each.program, *each.version], capture_output=True, text=True,
                              check=False, timeout=60)
        number = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
        if number is None:
            done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", each.program],
                                  capture_output=True, text=True, check=False)
            number = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
        found[each.name] = number[0] if number else "of unknown version"
    return found


def trust(ca_file, folder):
    """The test CA's root among the system's, in this mount namespace only."""
    bundle = os.path.join(folder, "roots.pem")
    if not os.path.exists(SYSTEM_ROOTS):
        die(f"{SYSTEM_ROOTS} is missing; install ca-certificates")
    with open(bundle, "wb") as out:
        for each in (SYSTEM_ROOTS, ca_file):
            with open(each, "rb") as f:
                out.write(f.read())
    done = subprocess.run(["mount", "--bind", bundle, SYSTEM_ROOTS], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        die(f"cannot put the test CA's root among the system's: {done.stderr}")


class Lab(lab_module.Lab):
    """With the Pebble that scripts/setup bench brings."""

    def start_pebble(self):
        former = lab_module.BIN
        lab_module.BIN = os.path.join(ROOT, "third_party/bench/usr/bin")
        try:
            super().start_pebble()
        finally:
            lab_module.BIN = former


def measure_all(clients, runs):
    rounds = []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        os.mkdir(os.path.join(folder, "lab"))
        lab, relay = Lab(os.path.join(folder, "lab")), None
        try:
            lab.start()
            relay = Relay(lab.port)
            trust(lab.ca_file, folder)
            root = lab.issuing_root()
            for number in range(runs):
                print(f"bench: round {number + 1} of {runs}", flush=True)
                place = os.path.join(folder, f"round{number}")
                os.mkdir(place)
                rounds.append(one_round(lab, relay, root, place, clients))
        finally:
            lab.stop()
            if relay is not None:
                relay.stop()
    return rounds


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--write", action="store_true")
    ap.add_argument("--check", action="store_true")
    args = ap.parse_args()
    clients = (Nanoacme, Uacme) if args.quick else CLIENTS
    if args.runs < 1 or (args.quick and args.write):
        die("--runs: at least one; --quick has not all that --write needs")
    check_installed(clients)
    rounds = measure_all(clients, args.runs)
    report = bench_report.Report(rounds, [c.name for c in clients], SCENARIOS, versions(clients))
    print(report.text())
    good = bench_report.goals(report)
    if args.write:
        bench_report.write(report)
    return 1 if args.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
