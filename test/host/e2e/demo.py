"""The demonstration: a certificate from Pebble in strict mode, then a TLS server that openssl and
curl accept against Pebble's root. Ends with one line."""
import os
import subprocess
import sys
import tempfile

from lab import PATIENCE, Process, free_port, listens, running_lab, wait_until

NAME = "device.example.org"


def show(*argv, **options):
    """Runs a command in full view; it must succeed."""
    print("\n$ " + " ".join(os.path.relpath(a) if os.path.isabs(a) else a for a in argv),
          flush=True)
    subprocess.run(argv, check=True, timeout=60 * PATIENCE, **options)


def main():
    nanoacme = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=os.path.abspath("build")) as folder, \
            running_lab(folder) as lab:
        print(f"demo: Pebble (strict mode) at {lab.directory}; every name resolves to 127.0.0.1")
        store = os.path.join(folder, "device.img")
        chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
        base = [nanoacme, "--store", store, "--server", lab.directory, "--ca-file", lab.ca_file]
        show(*base, "run", "--domain", NAME, "--accept-tos", "--exportable-key", "--http-port",
             str(lab.http_port))
        show(nanoacme, "--store", store, "list")
        show(nanoacme, "--store", store, "export", "--domain", NAME, "--out", chain)
        show(nanoacme, "--store", store, "export", "--domain", NAME, "--key", "--out", key)
        root, port = lab.issuing_root(), free_port()
        server = Process("server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
                                    chain, "-cert_chain", chain, "-key", key, "-www", "-quiet"],
                         folder)
        try:
            wait_until(lambda: listens(port), "the TLS server")
            print("\ndemo: a TLS server has the certificate; who trusts Pebble's root only, sees:")
            show("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", NAME,
                 "-verify_hostname", NAME, "-CAfile", root, "-verify_return_error", "-brief",
                 input=b"")
            show("curl", "-sS", "--fail", "--noproxy", "*", "--cacert", root, "--resolve",
                 f"{NAME}:{port}:127.0.0.1", "-o", os.devnull, "-w",
                 "HTTP %{http_code}, certificate verification result %{ssl_verify_result}\\n",
                 f"https://{NAME}:{port}/")
        finally:
            server.stop()
    print(f"\ndemo: done: {NAME} got its certificate, and openssl and curl accept it")


if __name__ == "__main__":
    main()
