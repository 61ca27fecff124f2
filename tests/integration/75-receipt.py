#!/usr/bin/python3
"""Receipts through `vouch`: filed, verified, shown, redacted, exported; and
answers that are not to be believed.

Between `vouch` and the daemon stands somebody who has the server's certificate
and changes what passes.

VOUCH_BIN names the folder of vouch and vouchd.
"""

import concurrent.futures
import html
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import receipts  # noqa: E402
import grpc  # noqa: E402

YES, NO, USAGE, REVIEW, NO_SUCH, EVIDENCE = 0, 1, 2, 3, 8, 9
CLAIM = ("--association", "ascp-boc", "--type", "ascp-pbt", "--number",
         "10482", "--family", "Garcia", "--birth-date", "1990-04-30")
STATED = ("--purpose", "hiring", "--on-behalf-of", "Example Hospital",
          "--authorization", "consent 117", "--requested-by", "jo@hr.example")
SECONDS = 120
MANY = 2000
VECTORS = os.path.join(HERE, "..", "vectors")


class Between(grpc.GenericRpcHandler):
    """Passes calls on to the daemon, as ${name}, and gives ${change} the bytes
    of the answer; what that returns is answered."""

    def __init__(self, one, name, change):
        self.channel = one.channel(name)
        self.change = change
        self.server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(max_workers=2))
        self.server.add_generic_rpc_handlers((self,))
        certificates = one.certificates()
        self.port = self.server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials(
                [(daemon.read(certificates, "server.key"),
                  daemon.read(certificates, "server.pem"))],
                daemon.read(certificates, "root.pem"), True))

    def service(self, details):
        def answer(request, _):
            return self.change(
                self.channel.unary_unary(details.method)(request, timeout=30))
        return grpc.unary_unary_rpc_method_handler(answer)

    def __enter__(self):
        self.server.start()
        return "127.0.0.1:%d" % self.port

    def __exit__(self, *_):
        self.server.stop(None).wait()
        self.channel.close()


class Receipts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon.Daemon()
        cls.daemon.start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.messages = receipts.prepare(cls.daemon)
        daemon.make_certificates(cls.daemon.certificates(), "--client",
                                 "employer", "other", "other")
        cls.trust = receipts.trust(cls.daemon)
        cls.folder = tempfile.mkdtemp(dir=cls.daemon.directory)
        cls.one = os.path.join(cls.folder, "one.receipt")
        result = cls.run_vouch("verify", *CLAIM, *STATED, "--receipt",
                               cls.one)
        if result.returncode != YES:
            raise AssertionError(result.stderr)

    @classmethod
    def run_vouch(cls, *words, role="employer", state="state", given=None,
                  **variables):
        """Run vouch with the environment of ${role}; a variable that is None
        is not there."""
        environment = dict(cls.daemon.environment(role), NO_COLOR="1",
                           XDG_STATE_HOME=os.path.join(cls.daemon.directory,
                                                       state))
        for name, value in variables.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        return subprocess.run(
            [daemon.program("vouch"), *words], input=given,
            capture_output=True, env=environment, timeout=SECONDS,
            check=False)

    def expect(self, code, *words, says=(), complains=(), **rest):
        result = self.run_vouch(*words, **rest)
        out = result.stdout.decode("utf-8", "replace")
        err = result.stderr.decode("utf-8", "replace")
        self.assertEqual(result.returncode, code, out + err)
        for text in says:
            self.assertIn(text, out)
        for text in complains:
            self.assertIn(text, err)
        return out

    def path(self, name):
        folder = tempfile.mkdtemp(dir=self.folder)
        return os.path.join(folder, name)

    def file(self, data, name="some.receipt"):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def vouchd(self, *words):
        subprocess.run([daemon.program("vouchd"), *words], check=True,
                       stdout=subprocess.DEVNULL, timeout=SECONDS)

    # -- verify

    def test_an_answer_is_filed_as_it_came(self):
        data = daemon.read(self.one)
        response = self.messages.VerifyCredentialResponse.FromString(data)
        self.assertEqual(response.question.claim.number, "10482")
        self.assertEqual(response.question.claim.requested_by,
                         "jo@hr.example")
        self.assertEqual(stat.S_IMODE(os.stat(self.one).st_mode), 0o600)
        self.assertEqual([name for name in os.listdir(self.folder)
                          if name.startswith(".")], [])
        self.expect(YES, "receipt", "verify", self.one, says=(
            "VERIFIED ", "YES CONFIRMED", "1 receipt: 1 verified; 0 not"))

    def test_nothing_is_overwritten_and_nothing_asked_then(self):
        before = daemon.read(self.one)
        out = self.expect(USAGE, "verify", *CLAIM, "--receipt", self.one,
                          complains=("is not overwritten",))
        self.assertEqual(out, "")
        self.assertEqual(daemon.read(self.one), before)
        self.expect(USAGE, "verify", *CLAIM, "--receipt",
                    "/no/such/folder/x.receipt", complains=("No such file",))

    def test_standard_output_takes_the_receipt_alone(self):
        result = self.run_vouch("verify", *CLAIM, "--receipt", "-")
        self.assertEqual(result.returncode, YES, result.stderr)
        self.assertIn(b"YES  CONFIRMED", result.stderr)
        self.expect(YES, "receipt", "verify", "-", given=result.stdout,
                    says=("VERIFIED ",))
        self.expect(USAGE, "verify", *CLAIM, "--receipt", "-", "-o", "json",
                    complains=("standard output",))

    def test_every_verdict_is_sealed(self):
        folder = self.path("all")
        os.mkdir(folder)
        data = receipts.ask(self.daemon, [
            receipts.request(self.messages, verdict)
            for verdict in receipts.CLAIMS])
        for verdict, one in zip(receipts.CLAIMS, data):
            with open(os.path.join(folder, verdict + ".receipt"), "wb") as f:
                f.write(one)
        out = self.expect(YES, "receipt", "verify", folder, "-o", "jsonl")
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual({os.path.basename(line["file"]): line["verdict"]
                          for line in lines},
                         {verdict + ".receipt": verdict
                          for verdict in receipts.CLAIMS})

    def test_the_table_says_of_the_seal_what_is_known(self):
        self.expect(YES, "verify", *CLAIM, says=("seal         VERIFIED",))
        out = self.expect(YES, "verify", *CLAIM, VOUCH_TRUST=None,
                          says=("seal         NOT CHECKED",))
        self.assertEqual(out.count("NOT CHECKED"), 1)
        self.assertIn("not shown    That the person", out)

    def test_the_trust_file_of_a_context(self):
        config = self.path("vouch")
        os.mkdir(config)
        with open(os.path.join(config, "config"), "w",
                  encoding="utf-8") as file:
            file.write('current = "c"\ncontext c { trust = "%s" root_key = '
                       '"%s" }\n' % (self.trust, "0" * 64))
        context = {"XDG_CONFIG_HOME": os.path.dirname(config),
                   "VOUCH_TRUST": None}
        self.expect(EVIDENCE, "receipt", "verify", self.one, **context,
                    complains=("signed by the root key", "0" * 64))
        self.expect(EVIDENCE, "verify", *CLAIM, **context)
        self.expect(YES, "receipt", "verify", self.one, **context,
                    VOUCH_ROOT_KEY=self.root_key())

    def root_key(self):
        """As whoever looks at the daemon's own files knows it."""
        out = self.expect(YES, "receipt", "show", self.one)
        return re.search(r"root\s+key\s+([0-9a-f]{64})", out)[1]

    # -- answers that are not to be believed

    def tampered(self, change, code=EVIDENCE, complains=(), name="employer",
                 **variables):
        """Ask through somebody who changes the answer; return what came, as
        it was kept."""
        kept = self.path("kept.receipt")
        with Between(self.daemon, name, change) as address:
            out = self.expect(code, "verify", *CLAIM, "--receipt", kept,
                              complains=complains, VOUCH_SERVER=address,
                              **variables)
        if code == EVIDENCE:
            self.assertEqual(out, "")
        return daemon.read(kept)

    def test_between_changes_nothing_by_itself(self):
        self.tampered(lambda data: data, code=YES)

    def test_a_changed_answer_is_not_believed_and_kept(self):
        sent = []

        def change(data):
            sent.append(data.replace(b"ACTIVE", b"aCTIVE", 1))
            return sent[0]

        kept = self.tampered(change, complains=(
            "SEAL_BROKEN", "nothing is concluded", "kept as proof"))
        self.assertEqual(kept, sent[0])
        self.tampered(change, code=EVIDENCE, VOUCH_TRUST=None)

    def test_an_answer_without_a_seal_is_not_believed(self):
        def strip(data):
            response = self.messages.VerifyCredentialResponse.FromString(data)
            response.ClearField("seal")
            return response.SerializeToString()

        self.tampered(strip, complains=("MALFORMED",))
        with Between(self.daemon, "employer", strip) as address:
            self.expect(YES, "verify", *CLAIM, VOUCH_SERVER=address,
                        VOUCH_TRUST=None, says=("seal         none",))
            self.expect(EVIDENCE, "verify", *CLAIM, VOUCH_SERVER=address)

    def test_a_genuine_answer_to_another_question_is_not_believed(self):
        old = daemon.read(self.one)
        kept = self.tampered(lambda _: old, complains=(
            "another question", "kept as proof"))
        self.assertEqual(kept, old)

    def test_an_answer_to_somebody_else_is_not_believed(self):
        self.tampered(lambda data: data, name="other", complains=(
            "somebody else", "kept as proof"))

    def test_a_redacted_answer_is_none(self):
        def redact(data):
            result = self.run_vouch("receipt", "redact", self.file(data),
                                    "--answer", "-o", "-")
            self.assertEqual(result.returncode, YES, result.stderr)
            return result.stdout

        with Between(self.daemon, "employer", redact) as address:
            out = self.expect(9, "verify", *CLAIM, VOUCH_SERVER=address,
                              complains=("without its answer",))
        self.assertEqual(out, "")

    # -- receipt verify

    def test_what_is_wrong_is_told_apart(self):
        data = daemon.read(self.one)
        other = self.path("dev")
        folder = self.path("mixed")
        os.mkdir(folder)
        parts = {
            "good": data, "cut": data[:-1], "empty": b"",
            "long": b"\0" * (1 << 20) + b"\0",
            "changed": data.replace(b"Garcia", b"Garcio"),
            "signature": data[:-1] + bytes([data[-1] ^ 1]),
        }
        for name, part in parts.items():
            with open(os.path.join(folder, name + ".receipt"), "wb") as file:
                file.write(part)
        with open(os.path.join(folder, "notes.txt"), "wb") as file:
            file.write(b"no receipt")
        out = self.expect(EVIDENCE, "receipt", "verify", folder, "-o", "json")
        answer = json.loads(out)
        self.assertEqual(
            {os.path.basename(one["file"]): one["state"]
             for one in answer["receipts"]},
            {"good.receipt": "VERIFIED", "cut.receipt": "MALFORMED",
             "empty.receipt": "MALFORMED", "long.receipt": "UNREADABLE",
             "changed.receipt": "SEAL_BROKEN",
             "signature.receipt": "SEAL_BROKEN"})
        self.assertEqual(answer["summary"]["receipts"], 6)
        self.assertEqual(answer["summary"]["SEAL_BROKEN"], 2)
        self.assertEqual(answer["summary"]["other_files"], 1)
        for one in answer["receipts"]:
            good = one["state"] == "VERIFIED"
            self.assertEqual(one["conclusion"], "YES" if good else None)
            self.assertEqual(one["reason"] is None, good)
        self.expect(EVIDENCE, "receipt", "verify", folder, says=(
            "6 receipts: 1 verified; 5 not: 2 MALFORMED, 2 SEAL_BROKEN, "
            "1 UNREADABLE; 1 other file not looked at",))
        # Of another operator: signed, and by nobody whom we know.
        with daemon.Daemon() as stranger:
            shutil.copy(receipts.trust(stranger), other)
        self.expect(EVIDENCE, "receipt", "verify", self.one, "--trust", other,
                    state="state of its own", says=("KEY_UNKNOWN",))
        self.expect(NO_SUCH, "receipt", "verify", "/no/such",
                    complains=("there is no /no/such",))
        self.expect(NO_SUCH, "receipt", "verify", os.path.dirname(other),
                    complains=("there is no receipt in",))
        self.expect(NO_SUCH, "receipt", "verify", self.one, "--trust",
                    "/no/such")
        self.expect(USAGE, "receipt", "verify", self.one, VOUCH_TRUST=None,
                    complains=("which trust file?",))
        self.expect(USAGE, "receipt", "verify", self.one, "--root-key", "5")

    def test_keys_that_were_lost_and_trust_files_that_are_old(self):
        key = json.loads(self.expect(YES, "receipt", "verify", self.one,
                                     "-o", "jsonl"))["key_id"]
        root = os.path.join(self.daemon.dev, "root.key")
        new = self.path("trust.json")
        shutil.copy(self.trust, new)
        self.vouchd("trust", "retire", key, "--trust", new, "--root-key",
                    root)
        state = {"state": "a memory of its own"}
        self.expect(YES, "receipt", "verify", self.one, "--trust", new,
                    **state)
        out = self.expect(EVIDENCE, "receipt", "verify", self.one, **state)
        self.assertIn("TRUST_TOO_OLD", out)
        self.assertIn("the trust file is version 1, and version 2 has been "
                      "seen before", out)
        self.expect(EVIDENCE, "receipt", "verify", self.one, **state,
                    VOUCH_ROOT_KEY=self.root_key(), says=("TRUST_TOO_OLD",))
        self.expect(EVIDENCE, "receipt", "verify", self.one, **state,
                    says=("TRUST_TOO_OLD",))
        self.expect(EVIDENCE, "verify", *CLAIM, **state,
                    complains=("TRUST_TOO_OLD",))
        self.vouchd("trust", "compromise", key, "--since", "2020-01-01",
                    "--trust", new, "--root-key", root)
        self.expect(EVIDENCE, "receipt", "verify", self.one, "--trust", new,
                    **state, says=("KEY_COMPROMISED",))
        self.expect(EVIDENCE, "receipt", "show", self.one, "--trust", new,
                    **state, says=("*** DO NOT RELY ON THIS.",
                                   "KEY_COMPROMISED", "conclusion      YES"))

    def test_another_root_key_is_refused_until_it_is_named(self):
        """With the files of the vectors: an origin that is somebody's."""
        with open(os.path.join(VECTORS, "trust.json"),
                  encoding="utf-8") as file:
            files = {one["name"]: one["file"]
                     for one in json.load(file)["files"]}
        with open(os.path.join(VECTORS, "receipts.json"),
                  encoding="utf-8") as file:
            data = bytes.fromhex(json.load(file)["receipts"][1]["bytes"])
        mine = self.file(files["active"].encode(), "trust.json")
        other = self.file(files["by another root"].encode(), "trust.json")
        forged = self.file(files["tampered: expiry"].encode(), "trust.json")
        receipt = self.file(data)
        verify = ("receipt", "verify", receipt, "--accept-expired-trust",
                  "--trust")
        state = {"state": "a third memory"}
        self.expect(YES, *verify, mine, **state,
                    complains=("taken on trust and remembered",))
        out = self.expect(YES, *verify, mine, **state,
                          says=("(the same as before)",))
        known = out.split("root key ", 1)[1].split()[0]
        out = self.expect(EVIDENCE, *verify, other, **state, complains=(
            known, "register.example/log", "nothing was judged",
            "--root-key"))
        self.assertEqual(out, "")
        self.expect(EVIDENCE, *verify, forged, **state,
                    complains=("nothing was judged",))
        result = self.run_vouch(*verify, other, state="nothing is known here")
        self.assertEqual(result.returncode, YES, result.stderr)
        new = result.stdout.decode().split("root key ", 1)[1].split()[0]
        self.expect(YES, *verify, other, "--root-key", new, **state)
        self.expect(YES, *verify, other, **state)
        self.expect(EVIDENCE, *verify, mine, **state)

    def test_a_home_that_cannot_be_written_is_only_said(self):
        path = self.file(b"", "a file")
        self.expect(YES, "receipt", "verify", self.one, XDG_STATE_HOME=path,
                    complains=("the trust file is not remembered",))
        self.expect(YES, "receipt", "verify", self.one, "--quiet",
                    XDG_STATE_HOME=path)

    def test_what_is_remembered_and_cannot_be_read_is_not_ignored(self):
        state = self.path("state")
        os.makedirs(os.path.join(state, "vouch", "trust"))
        for words in (("receipt", "verify", self.one),
                      ("receipt", "verify", self.one, "--quiet"),
                      ("receipt", "show", self.one),
                      ("verify", *CLAIM)):
            out = self.expect(USAGE, *words, XDG_STATE_HOME=state, complains=(
                "vouch/trust: Is a directory", "an old trust file would pass",
                "XDG_STATE_HOME"))
            self.assertEqual(out, "")

    def test_thousands_are_verified_one_by_one(self):
        folder = self.path("many")
        os.mkdir(folder)
        data = daemon.read(self.one)
        for number in range(MANY):
            below = os.path.join(folder, "%02d" % (number % 20))
            os.makedirs(below, exist_ok=True)
            part = data if number % 100 else data.replace(b"Garcia",
                                                          b"Garcio")
            with open(os.path.join(below, "%d.receipt" % number),
                      "wb") as file:
                file.write(part)
        out = self.expect(EVIDENCE, "receipt", "verify", folder, "-o", "csv",
                          complains=("2000 receipts: 1980 verified; 20 not: "
                                     "20 SEAL_BROKEN",))
        lines = out.splitlines()
        self.assertEqual(len(lines), MANY + 1)
        self.assertEqual(lines[0], "file,id,state,reason,sealed_at,key_id,"
                                   "verdict,conclusion,redacted")
        names = sorted(os.path.join(folder, "01", name)
                       for name in os.listdir(os.path.join(folder, "01")))
        self.expect(YES, "receipt", "verify", *names)

    # -- redact, show, export

    def redacted(self, *parts):
        path = self.path("redacted.receipt")
        self.expect(YES, "receipt", "redact", self.one, *parts, "-o", path)
        return path

    def test_a_redacted_receipt_still_verifies(self):
        whole = json.loads(self.expect(YES, "receipt", "verify", self.one,
                                       "-o", "jsonl"))
        for parts, says in ((("answer",), "RESULT WITHHELD"),
                            (("question",), "QUESTION WITHHELD"),
                            (("answer", "question"), "RESULT WITHHELD")):
            path = self.redacted(*("--" + part for part in parts))
            line = json.loads(self.expect(YES, "receipt", "verify", path,
                                          "-o", "jsonl"))
            self.assertEqual(line["redacted"], list(parts))
            self.assertEqual(line["id"], whole["id"])
            self.assertEqual(line["conclusion"], None if "answer" in parts
                             else "YES")
            self.expect(YES, "receipt", "verify", path, says=(says,))
            self.expect(YES, "receipt", "show", path, says=(says,))
            self.assertEqual(b"Garcia" in daemon.read(path),
                             "question" not in parts)
        self.expect(USAGE, "receipt", "redact", self.one, "--answer", "-o",
                    path, complains=("is not overwritten",))
        self.expect(USAGE, "receipt", "redact", self.one, "-o", path)
        self.expect(USAGE, "receipt", "redact", self.one, "--answer")
        broken = self.file(daemon.read(self.one)[:-70])
        self.expect(EVIDENCE, "receipt", "redact", broken, "--answer", "-o",
                    self.path("x"))

    def test_a_receipt_is_shown_on_a_page(self):
        wanted = ("spiffe://dev.vouch.invalid/employer/dev-employer",
                  '"Example Hospital" (as stated by the asker)',
                  '"jo@hr.example" (as stated by the asker)',
                  "hiring (as stated by the asker)",
                  '"consent 117" (as stated by the asker)', '"Garcia"',
                  "birth date", "vouch receipt verify", "docs/receipt.md",
                  "it has not designated this operator", "CLIA",
                  self.root_key())
        text = self.expect(YES, "receipt", "show", self.one)
        page = self.expect(YES, "receipt", "show", self.one, "--format",
                           "html")
        self.assertTrue(text.startswith("VERIFIED: "))
        self.assertTrue(page.startswith("<!DOCTYPE html>"))
        one_line = " ".join(text.split())
        for part in wanted:
            self.assertIn(part, one_line)
            self.assertIn(part, html.unescape(page))
        self.expect(YES, "receipt", "show", self.one, VOUCH_TRUST=None,
                    says=("THE SEAL WAS NOT CHECKED",))
        broken = self.file(daemon.read(self.one).replace(b"Garcia",
                                                         b"Garcio"))
        for trust in (self.trust, None):
            out = self.expect(EVIDENCE, "receipt", "show", broken,
                              VOUCH_TRUST=trust)
            self.assertTrue(out.startswith("*** DO NOT RELY ON THIS."))
            self.assertIn("SEAL_BROKEN", out.split("\n\n")[0])
        self.expect(NO_SUCH, "receipt", "show", "/no/such")
        self.expect(USAGE, "receipt", "show", self.one, "--format", "pdf")

    def test_a_receipt_is_exported_whole(self):
        exported = json.loads(self.expect(YES, "receipt", "export", self.one,
                                          "--format", "json"))
        response = self.messages.VerifyCredentialResponse.FromString(
            daemon.read(self.one))
        self.assertEqual(exported["question"]["asker"],
                         response.question.asker)
        self.assertEqual(exported["answer"]["conclusion"], "CONCLUSION_YES")
        self.assertEqual(exported["answer"]["answered_at_us"],
                         response.answer.answered_at_us)
        self.assertRegex(exported["answer"]["answered_at"],
                         r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual(exported["seal"]["signature"],
                         response.seal.signature.hex())
        self.assertEqual(exported["seal"]["batch_bytes"],
                         response.seal.batch.hex())
        for message, part in ((response.answer, exported["answer"]),
                              (response.question.claim,
                               exported["question"]["claim"])):
            for field in message.DESCRIPTOR.fields:
                self.assertIn(field.name, part)
        self.assertEqual(exported["state"], "VERIFIED")
        again = self.run_vouch("receipt", "export", self.one)
        self.assertEqual(json.loads(again.stdout), exported)
        unknown = json.loads(self.expect(YES, "receipt", "export", self.one,
                                         VOUCH_TRUST=None))
        self.assertEqual(unknown.pop("state"), "NOT_CHECKED")
        self.assertEqual(unknown, {name: value for name, value
                                   in exported.items() if name != "state"})
        broken = self.file(daemon.read(self.one).replace(b"Garcia",
                                                         b"Garcio"))
        self.assertEqual(self.expect(EVIDENCE, "receipt", "export", broken),
                         "")


if __name__ == "__main__":
    unittest.main()
