#!/usr/bin/python3
"""`vouch` against a stock Python gRPC server that implements the service of
the .proto files: answers are printed right, failures become exit codes, and
nothing that a server says can steer a terminal."""

import concurrent.futures
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import grpc  # noqa: E402

import daemon  # noqa: E402

ASKER = "spiffe://dev.vouch.invalid/employer/dev-employer"
STEERING = "\x1b]0;owned\x07\x1b[2J\x7f\u009b31m\u202e\u2066\r\n"
CLAIM = ("--association", "ascp-boc", "--type", "ascp-pbt", "--number",
         "10482", "--family", "García", "--given", "Ana", "--birth-date",
         "1990-04", "--purpose", "hiring", "--recognized-by", "anab,ncca")


def setUpModule():
    global stubs, certificates
    stubs = tempfile.mkdtemp(prefix="vouch-test.")
    unittest.addModuleCleanup(shutil.rmtree, stubs)
    daemon.generate_stubs(stubs)
    certificates = os.path.join(stubs, "certificates")
    daemon.make_certificates(certificates)


class Server:
    """Answers VerifyCredential with ${answer}(request, context)."""

    def __init__(self, answer):
        from vouch.v1 import verification_service_pb2_grpc as services

        class Service(services.VerificationServiceServicer):
            def VerifyCredential(self, request, context):
                return answer(request, context)

        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        self.server = grpc.server(self.pool)
        services.add_VerificationServiceServicer_to_server(
            Service(), self.server)
        read = daemon.read
        self.port = self.server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials(
                [(read(certificates, "server.key"),
                  read(certificates, "server.pem"))],
                root_certificates=read(certificates, "root.pem"),
                require_client_auth=True))

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()
        self.pool.shutdown()

    def ask(self, *flags, claim=CLAIM):
        environment = dict(
            os.environ, VOUCH_SERVER="127.0.0.1:%d" % self.port,
            VOUCH_CA=os.path.join(certificates, "root.pem"),
            VOUCH_CERT=os.path.join(certificates, "employer.pem"),
            VOUCH_KEY=os.path.join(certificates, "employer.key"))
        return subprocess.run(
            [daemon.program("vouch"), "verify", *claim, *flags],
            env=environment, capture_output=True, timeout=60, check=False)


def respond(request, text="%s", **fields):
    """A whole answer to ${request}; ${text} goes around each name in it."""
    from vouch.v1 import types_pb2 as types
    from vouch.v1 import verification_pb2 as messages
    from vouch.v1 import verification_service_pb2 as service

    answer = messages.Answer(
        association_name=text % "The Association", contact=text % "a@b.org",
        as_of=types.Date(year=2026, month=11, day=22),
        answered_at_us=1795339800000000, utc_offset_minutes=-360,
        log_size=7, status=messages.Status(raw_status=text % "in force"))
    for name, value in fields.items():
        setattr(answer, name, value)
    return service.VerifyCredentialResponse(
        answer=answer, question=messages.Question(
            claim=request.claim, asker=ASKER,
            request_id=request.request_id))


class Answers(unittest.TestCase):
    def test_each_conclusion_has_its_word_and_its_exit_code(self):
        for number, (word, verdict, code) in enumerate(
                (("YES", 6, 0), ("NO", 5, 1), ("REVIEW", 2, 3)), 1):
            with self.subTest(word), Server(
                    lambda request, _: respond(
                        request, conclusion=number,
                        verdict=verdict)) as server:
                done = server.ask()
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertTrue(done.stdout.decode().startswith(word + " "))
                self.assertEqual(done.stderr, b"")

    def test_what_was_asked_arrives_and_comes_back(self):
        asked = []

        def answer(request, _):
            asked.append(request)
            return respond(request, conclusion=1, verdict=6)

        with Server(answer) as server:
            page = server.ask().stdout.decode()
            told = json.loads(server.ask("-o", "json").stdout)
            line = server.ask("--output=jsonl").stdout
            rows = list(csv.DictReader(io.StringIO(
                server.ask("-ocsv").stdout.decode())))
        claim = asked[0].claim
        self.assertEqual(
            (claim.association_id, claim.credential_type_id, claim.number,
             claim.name.family, claim.name.given, claim.birth_date.year,
             claim.birth_date.month, claim.birth_date.day, claim.purpose,
             list(claim.recognized_by)),
            ("ascp-boc", "ascp-pbt", "10482", "García", "Ana", 1990, 4, 0, 1,
             ["anab", "ncca"]))
        self.assertEqual(len({r.request_id for r in asked}), 4)
        for text in ("The Association", "2026-11-22", "García", "born 1990-04",
                     "2026-11-22T03:30:00-06:00", "a@b.org", '"in force"',
                     "purpose hiring"):
            self.assertIn(text, page)
        self.assertEqual(told["answer"]["associationName"], "The Association")
        self.assertEqual(told["question"]["claim"]["name"]["family"], "García")
        self.assertEqual(told["answer"]["logSize"], "7")
        self.assertEqual(line.count(b"\n"), 1)
        self.assertEqual([r["conclusion"] for r in rows], ["YES"])

    def test_nothing_steers_a_terminal(self):
        def answer(request, _):
            return respond(request, text=STEERING + "%s", conclusion=3,
                           verdict=2)

        with Server(answer) as server:
            for form in ("table", "json", "jsonl", "csv"):
                with self.subTest(form):
                    done = server.ask("-o", form)
                    text = (done.stdout + done.stderr).decode()
                    for bad in STEERING.replace("\n", ""):
                        if not (bad.isprintable() or bad.isascii() and
                                bad.isalnum()):
                            self.assertNotIn(bad, text)
            told = json.loads(server.ask("-o", "json").stdout)
        self.assertEqual(told["answer"]["contact"], STEERING + "a@b.org")

    def test_numbers_that_no_server_should_send(self):
        from vouch.v1 import verification_pb2 as messages

        def answer(request, _):
            response = respond(
                request, conclusion=9, verdict=99, log_size=-2 ** 63,
                answered_at_us=2 ** 63 - 1, utc_offset_minutes=-2 ** 31)
            response.answer.as_of.month = 77
            response.answer.freshness.CopyFrom(messages.Freshness(
                state=1, source_time_us=-2 ** 63, received_at_us=-2 ** 63,
                max_age_seconds=-2 ** 63))
            response.answer.reasons.extend([14, 98])
            return response

        with Server(answer) as server:
            for form in ("table", "json", "csv"):
                done = server.ask("-o", form)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertEqual(done.stderr, b"")
            self.assertIn(b"newer than this client",
                          server.ask("-o", "table").stdout)

    def test_an_answer_to_another_question_is_no_answer(self):
        def other_id(request, _):
            response = respond(request, conclusion=1, verdict=6)
            response.question.request_id = response.question.request_id[::-1]
            return response

        def other_claim(request, _):
            response = respond(request, conclusion=1, verdict=6)
            response.question.claim.number = "10483"
            return response

        def other_asker(request, _):
            response = respond(request, conclusion=1, verdict=6)
            response.question.asker = ASKER + STEERING
            return response

        for answer, word in ((other_id, b"another question"),
                             (other_claim, b"another question"),
                             (other_asker, b"somebody else")):
            with self.subTest(answer.__name__), Server(answer) as server:
                done = server.ask("-o", "json")
                self.assertEqual(done.returncode, 9, done.stderr)
                self.assertEqual(done.stdout, b"")
                self.assertIn(word, done.stderr)
                self.assertNotIn(b"owned", done.stderr)

    def test_an_answer_without_its_parts_is_no_evidence(self):
        for part in ("answer", "question"):
            def answer(request, _):
                response = respond(request, conclusion=1)
                response.ClearField(part)
                return response

            with self.subTest(part), Server(answer) as server:
                done = server.ask()
                self.assertEqual(done.returncode, 9, done.stderr)
                self.assertEqual(done.stdout, b"")
                self.assertIn(b"  -> ", done.stderr)


class Failures(unittest.TestCase):
    def test_each_status_has_its_exit_code(self):
        codes = {
            "CANCELLED": 5, "UNKNOWN": 70, "INVALID_ARGUMENT": 7,
            "DEADLINE_EXCEEDED": 5, "NOT_FOUND": 8, "ALREADY_EXISTS": 7,
            "PERMISSION_DENIED": 4, "RESOURCE_EXHAUSTED": 7,
            "FAILED_PRECONDITION": 7, "ABORTED": 7, "OUT_OF_RANGE": 7,
            "UNIMPLEMENTED": 70, "INTERNAL": 70, "UNAVAILABLE": 5,
            "DATA_LOSS": 70, "UNAUTHENTICATED": 4}
        for name, code in codes.items():
            with self.subTest(name), Server(
                    lambda _, context: context.abort(
                        getattr(grpc.StatusCode, name),
                        "why: ä\x1b[2J %s" % name)) as server:
                done = server.ask()
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(done.stdout, b"")
                text = done.stderr.decode()
                self.assertIn("why: ä?[2J %s (%s)" % (name, name), text)
                self.assertIn("\n  -> ", text)

    def test_details_name_the_flag_at_fault(self):
        from google.rpc import error_details_pb2 as details
        from google.rpc import status_pb2

        def answer(_, context):
            status = status_pb2.Status(code=3, message="no")
            for message in (
                    details.ErrorInfo(reason="INVALID_FIELD",
                                      domain="vouch"),
                    details.BadRequest(field_violations=[
                        details.BadRequest.FieldViolation(
                            field="claim.birth_date",
                            description="is needed\x1b[2J")])):
                packed = status.details.add()
                packed.type_url = ("type.googleapis.com/" +
                                   message.DESCRIPTOR.full_name)
                packed.value = message.SerializeToString()
            context.set_trailing_metadata(
                (("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")

        with Server(answer) as server:
            done = server.ask()
        self.assertEqual(done.returncode, 7)
        text = done.stderr.decode()
        self.assertIn("(INVALID_ARGUMENT, INVALID_FIELD)", text)
        self.assertIn("--birth-date (claim.birth_date) is needed?[2J", text)

    def test_a_server_that_is_too_slow(self):
        import threading
        end = threading.Event()

        def answer(request, _):
            end.wait(20)
            return respond(request)

        with Server(answer) as server:
            done = server.ask("--timeout", "0.5")
            end.set()
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn(b"--timeout", done.stderr)


if __name__ == "__main__":
    unittest.main()
