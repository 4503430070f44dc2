"""An emulated board: the real image in QEMU, its serial line, its flash, its network."""
import json
import os
import socket
import ssl
import subprocess
import threading

from lab import PATIENCE, ROOT, free_port, wait_until

# Machine, Ethernet model, and for -icount the shift that comes nearest to 1.6 cycles an
# instruction: 64 ns at 25 and at 20 MHz, 32 ns at 50 MHz.
BOARDS = {
    "mps2_an385": ("mps2-an385", "lan9118", 6),
    "lm3s6965evb": ("lm3s6965evb", "stellaris", 5),
    "mps2_an521": ("mps2-an521", "lan9118", 6),
    "mps2_an385_freertos": ("mps2-an385", "lan9118", 6),
}
# Those without an operating system, whose loop measures its steps; they have a self-test, too.
BARE = sorted(set(BOARDS) - {"mps2_an385_freertos"})


def der_of(pem_path):
    with open(pem_path, encoding="ascii") as f:
        return ssl.PEM_cert_to_DER_cert(f.read())


class Board:
    """One device. Its folder holds the flash, so a new Board in the same folder is the same device
    after a power cut. Its network is QEMU's own, or with tap a TAP interface, where it has an address; or
    what a wire (test/host/firmware/wire.py) carries."""

    def __init__(self, folder, board="mps2_an385", http_port=None, https_port=None, icount=False,
                 echo=None, network="10.0.2", image="nanoacme", tap=None, address="127.0.0.1",
                 wire=None):
        self.folder, self.board, self.icount, self.echo = str(folder), board, icount, echo
        self.http_port = http_port or free_port()
        self.https_port = https_port or free_port()
        builds = os.path.abspath(os.environ.get("NANOACME_FIRMWARE", os.path.join(ROOT, "build")))
        self.image = os.path.join(builds, board, f"{image}-{board}.elf")
        self.network, self.tap, self.address, self.wire = network, tap, address, wire
        self.text, self.popen, self.reader = "", None, None
        self.monitor_path = os.path.join(self.folder, "monitor")

    def start(self):
        machine, model, shift = BOARDS[self.board]
        argv = ["qemu-system-arm", "-M", machine, "-display", "none", "-kernel", self.image,
                "-semihosting-config", "enable=on,target=native", "-serial", "stdio",
                "-monitor", f"unix:{self.monitor_path},server,nowait",
                "-nic", self._nic(model)]
        if self.icount:
            argv += ["-icount", f"shift={shift}"]
        self.popen = subprocess.Popen(argv, cwd=self.folder, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, args=(self.popen,), daemon=True)
        self.reader.start()
        return self

    def _nic(self, model):
        if self.wire is not None:
            return (f"socket,model={model},id=net,udp=127.0.0.1:{self.wire.own_port},"
                    f"localaddr=127.0.0.1:{self.wire.port}")
        if self.tap is not None:
            return f"tap,model={model},id=net,ifname={self.tap},script=no,downscript=no"
        return (f"user,model={model},id=net,net={self.network}.0/24,hostfwd=tcp:127.0.0.1:{self.http_port}-:80,"
                f"hostfwd=tcp:127.0.0.1:{self.https_port}-:443")

    def _read(self, popen):
        for line in iter(popen.stdout.readline, b""):
            line = line.decode("ascii", "replace").replace("\r", "")
            self.text += line
            if self.echo:
                self.echo(line)

    def cut_power(self):
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait(10 * PATIENCE)
            self.reader.join(10 * PATIENCE)
            self.popen.stdout.close()
            self.popen.stdin.close()
        self.popen = None

    def reset(self):
        self.cut_power()
        return self.start()

    def wait_for(self, text, seconds=60, count=1):
        def seen():
            if self.popen.poll() is not None:
                raise RuntimeError(f"the emulator ended\n{self.text}")
            return self.text.count(text) >= count
        try:
            wait_until(seen, f"{text!r} from the board", seconds)
        except TimeoutError as e:
            raise TimeoutError(f"{e}\n{self.text}") from e

    def wait_for_any(self, texts, seconds=60):
        """Until the board says one of them, or ends."""
        wait_until(lambda: self.popen.poll() is not None or any(t in self.text for t in texts),
                   f"one of {texts} from the board", seconds, lambda: self.text)

    def provision(self, names, directory, ca_file, **more):
        """What the factory types at the serial line."""
        self.wait_for("console: this device has no settings")
        anchor = der_of(ca_file).hex()
        lines = [f"name {n}" for n in names] + [f"directory {directory}"]
        lines += [f"{key} {value}" for key, value in more.items()]
        lines += ["anchor " + anchor[i:i + 128] for i in range(0, len(anchor), 128)] + ["save"]
        for number, line in enumerate(lines):
            self.type(line)
            self.wait_for("console: ok", count=number + 1, seconds=10)

    def type(self, line):
        """A line at the serial line."""
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def monitor(self, command):
        """A command to the emulator."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.monitor_path)
            answer = b""
            while b"(qemu) " not in answer:
                answer += s.recv(4096)
            s.sendall(command.encode() + b"\n")
            answer = b""
            while b"(qemu) " not in answer:
                answer += s.recv(4096)

    def set_link(self, up):
        self.monitor(f"set_link net {'on' if up else 'off'}")

    def fetch(self, name, root, path="/status.json", timeout=10 * PATIENCE):
        """The page over TLS, by a client that trusts this root only, and the certificate."""
        context = ssl.create_default_context(cafile=root)
        with socket.create_connection((self.address, self.https_port), timeout) as raw, \
                context.wrap_socket(raw, server_hostname=name) as s:
            certificate = s.getpeercert(binary_form=True)
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            answer = b""
            while part := s.recv(4096):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return (json.loads(body) if path.endswith(".json") else body.decode()), certificate

    def fetch_when_ready(self, name, root, seconds=60, **options):
        """Once it can be had. What was in the way is said by who comes too late."""
        failed = []

        def fetched():
            try:
                return self.fetch(name, root, **options)
            except OSError as e:
                failed.append(repr(e))
                return None
        return wait_until(fetched, f"{name}'s page", seconds, lambda: "\n".join([self.text, *failed[-1:]]))
