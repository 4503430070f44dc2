"""What holds over every scenario of a scripted CA, whatever it answers: of the orders for one wanted
certificate never more than one reaches finalize, and no account key is given up while the CA still has
its account. The CA tells it what was asked and answered, the command line which job ran; each test is
checked at its end (conftest.py). It must not know why a scenario is as it is."""
import base64
import copy
import hashlib
import json
import os
import re

GIVEN_UP_AFTER = 2  # so often "not found", one time after the other, is meant


def thumbprint(jwk):
    needed = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    text = json.dumps({k: jwk[k] for k in needed}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Job:
    """One call of the command line: what it did at the CA, by the names of the certificate."""

    def __init__(self, device):
        self.device, self.finalized, self.given_up = device, {}, {}


class Oracle:
    def __init__(self):
        self.breaches = []
        self.accounts = {}      # of a device: the keys that the CA has a valid account for
        self.clients = {}       # device -> the command line that was last used with it
        self.unfinished = {}    # (device, names) -> an order was finalized, and no certificate came of it
        self.job = Job(None)
        self.missing = {}       # order -> "not found", so often in a row

    # ---- told by the command line ----

    def begin(self, client, device):
        self.clients[device] = copy.copy(client)  # its store may be another later
        self.job = Job(device)

    def end(self, succeeded):
        job = self.job
        for names in {*job.finalized, *job.given_up}:
            count, lost = job.finalized.get(names, 0), job.given_up.get(names, 0)
            wanted = 0 if self.unfinished.get((job.device, names)) else 1
            if count > wanted + lost:
                self.breaches.append(f"{count} orders for {', '.join(names)} reached finalize in one job, "
                                     f"{wanted} was wanted")
            open_now = self.unfinished.get((job.device, names), False) or count > 0
            self.unfinished[(job.device, names)] = open_now and not succeeded and lost < max(count, 1)
        if succeeded:
            for key in self.unfinished:
                if key[0] == job.device:
                    self.unfinished[key] = False

    # ---- told by the CA ----

    def order_finalized(self, names):
        names = tuple(sorted(names))
        self.job.finalized[names] = self.job.finalized.get(names, 0) + 1

    def order_given_up(self, names):
        """The CA said that the order is invalid, or gone for good."""
        names = tuple(sorted(names))
        self.job.given_up[names] = self.job.given_up.get(names, 0) + 1

    def order_missing(self, number, names):
        self.missing[number] = self.missing.get(number, 0) + 1
        if self.missing[number] == GIVEN_UP_AFTER:
            self.order_given_up(names)

    def lose_orders(self):
        """The CA named the orders wrongly, so nobody can find them again."""
        self.unfinished = dict.fromkeys(self.unfinished, False)

    def account_valid(self, key):
        keys = self.accounts.setdefault(self.job.device, set())
        if keys and key not in keys:
            self.breaches.append("another account key, while the CA has the account of the first")
        keys.add(key)

    def account_gone(self, key=None):
        """Deactivated, revoked, or unknown when it was looked for by its key. None: all of the device."""
        keys = self.accounts.setdefault(self.job.device, set())
        keys.difference_update(keys if key is None else {key})

    def key_changed(self, old, new):
        keys = self.accounts.setdefault(self.job.device, set())
        keys.discard(old)
        keys.add(new)

    # ---- at the end of a test ----

    @staticmethod
    def has_key(client):
        """In the store's image; the URL may have been lost. Account keys are the first 256 numbers."""
        return any(re.match(r"0x0*ac300[0-9a-f]{2}$", str(r.get("id"))) for r in client.records())

    def check(self):
        for device, keys in self.accounts.items():
            client = self.clients.get(device)
            if not keys or client is None or not os.path.exists(client.store):
                continue
            shown = json.loads(client.quietly("account", "--json").out or "{}").get("thumbprint")
            if shown and shown not in keys or not shown and not self.has_key(client):
                self.breaches.append("the account key is gone, while the CA has its account")
        assert not self.breaches, "; ".join(self.breaches)
