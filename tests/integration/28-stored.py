#!/usr/bin/python3
"""What an association states is stored as it was stated: several holders on
one number, several credentials of one holder, former names, holder_ref,
several periods with grace, partial and absent dates, raw words; impossible
dates and colliding numbers are rejected with their reasons.  And an upload
that another client ends, or breaks off, by its own ways.

VOUCH_BIN names the folder of vouch and vouchd.
"""

import importlib
import os
import sqlite3
import sys
import tempfile
import time
import unittest
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import grpc  # noqa: E402


class Stored(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stubs = tempfile.TemporaryDirectory(prefix="vouch-test.")
        cls.addClassCleanup(stubs.cleanup)
        daemon.generate_stubs(stubs.name)
        cls.m = importlib.import_module("vouch.v1.publishing_service_pb2")
        cls.log = importlib.import_module("vouch.v1.log_entry_pb2")
        cls.t = importlib.import_module("vouch.v1.types_pb2")
        cls.stubs = importlib.import_module(
            "vouch.v1.publishing_service_pb2_grpc")

    def setUp(self):
        self.daemon = daemon.Daemon().start()
        self.addCleanup(self.daemon.stop)
        self.stub = self.stubs.PublishingServiceStub(
            self.daemon.channel("association"))

    def row(self, line, number, family, given="", **more):
        row = self.m.CredentialRow(
            line=line, credential_type_id="ascp-pbt", number=number,
            standing=self.t.STANDING_ACTIVE, raw_status="In good standing")
        row.name.family, row.name.given = family, given
        for key, value in more.items():
            if isinstance(value, tuple):
                year, month, day = value
                getattr(row, key).CopyFrom(self.t.Date(
                    year=year, month=month, day=day))
            elif isinstance(value, list):
                getattr(row, key).extend(value)
            else:
                setattr(row, key, value)
        return row

    def period(self, kind, since, until, grace):
        period = self.t.ValidityPeriod(kind=kind)
        for field, date in (("valid_from", since), ("valid_until", until),
                            ("grace_until", grace)):
            if date:
                getattr(period, field).CopyFrom(self.t.Date(
                    year=date[0], month=date[1], day=date[2]))
        return period

    def requests(self, rows):
        yield self.m.PublishCredentialsRequest(
            header=self.m.PublicationHeader(
                request_id=str(uuid.uuid4()), association_id="ascp-boc",
                mode=self.m.PUBLICATION_MODE_DELTA), rows=rows)

    def publish(self, *rows):
        """Return (summary, {line: (field, reason)})."""
        rejects, summary = {}, None
        for response in self.stub.PublishCredentials(
                self.requests(rows), timeout=60):
            rejects.update({r.line: (r.field, r.reason)
                            for r in response.rejects})
            if response.HasField("summary"):
                summary = response.summary
        return summary, rejects

    def events(self):
        """All events, as the log has them."""
        path = os.path.join(self.daemon.dev, "vouch.db")
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
            return [self.log.Event.FromString(row[0]) for row in db.execute(
                "SELECT bytes FROM log WHERE domain = 1 ORDER BY log_index")]

    def records(self):
        """The last record of each credential, in the order of the first."""
        found = {}
        for event in self.events():
            found[event.credential_id] = event.record
        return list(found.values())

    def test_two_holders_on_one_number_with_two_credentials_each(self):
        rows = [self.row(1, "100", "Anders", holder_ref="a"),
                self.row(2, "100", "Berg", holder_ref="b")]
        for i, row in enumerate(rows[:2]):
            other = self.m.CredentialRow()
            other.CopyFrom(row)
            other.line = 3 + i
            other.credential_type_id = "ascp-mlt"
            rows.append(other)
        summary, rejects = self.publish(*rows)
        self.assertEqual((summary.new_count, rejects), (4, {}))
        self.assertEqual(
            {(r.number, r.holder_ref, r.credential_type_id,
              r.names[0].name.family) for r in self.records()},
            {("100", "a", "ascp-pbt", "Anders"),
             ("100", "a", "ascp-mlt", "Anders"),
             ("100", "b", "ascp-pbt", "Berg"),
             ("100", "b", "ascp-mlt", "Berg")})
        again, _ = self.publish(*rows)
        self.assertEqual(again.unchanged_count, 4)

    def test_former_names_stay_on_file(self):
        self.publish(self.row(1, "200", "Chen", "Cy"))
        summary, rejects = self.publish(self.row(
            1, "200", "Diaz", "Cy", former_family=["Chen", "Clay"]))
        self.assertEqual((summary.changed_count, rejects), (1, {}))
        names = [(n.name.family, n.former) for n in self.records()[0].names]
        self.assertEqual(names, [("Diaz", False), ("Chen", True),
                                 ("Clay", True)])
        self.publish(self.row(1, "200", "Diaz", "Cy"))
        self.assertEqual(len(self.records()[0].names), 3)

    def test_another_name_is_the_same_holder_by_its_ref(self):
        self.publish(self.row(1, "300", "Evans", holder_ref="e"))
        summary, _ = self.publish(self.row(1, "300", "Falk", holder_ref="e"))
        self.assertEqual((summary.new_count, summary.changed_count), (0, 1))
        summary, _ = self.publish(self.row(1, "300", "Gray", holder_ref="g"))
        self.assertEqual((summary.new_count, summary.changed_count), (1, 0))

    def test_periods_and_dates_are_as_stated(self):
        periods = [
            self.period(self.t.PERIOD_KIND_CERTIFICATION, (2019, 5, 6),
                        (2027, 12, 31), (2028, 3, 31)),
            self.period(self.t.PERIOD_KIND_REGISTRATION, None, (2027, 6, 0),
                        None),
            self.period(self.t.PERIOD_KIND_MEMBERSHIP_FEE, (2020, 0, 0), None,
                        None)]
        row = self.row(1, "400", "Holt", issued_on=(2019, 5, 0),
                       birth_date=(1980, 0, 0), raw_reason="paid",
                       effective_on=(2020, 2, 29))
        row.raw_status = "Active – régulier"
        row.periods.extend(periods)
        bare = self.row(2, "401", "Ives")
        summary, rejects = self.publish(row, bare)
        self.assertEqual((summary.new_count, rejects), (2, {}))
        record, other = self.records()
        self.assertEqual(list(record.periods), periods)
        self.assertEqual(record.issued_on, row.issued_on)
        self.assertEqual((record.raw_status, record.raw_reason),
                         ("Active – régulier", "paid"))
        self.assertEqual([f.factor for f in record.factors],
                         [self.t.FACTOR_BIRTH_YEAR])
        self.assertEqual(self.events()[0].effective_on, row.effective_on)
        self.assertFalse(other.HasField("issued_on") or other.periods or
                         other.factors)

    def test_what_cannot_be_is_rejected_with_its_reason(self):
        self.publish(self.row(1, "50-1", "Jung"))
        rows = [
            self.row(1, "500", "Kerr", birth_date=(1980, 2, 30)),
            self.row(2, "501", "Kerr"),             # collides with 50-1
            self.row(3, "502", "Kerr", issued_on=(2019, 0, 5)),
            self.row(4, "503", "Kerr", issued_on=(2999, 1, 1)),
            self.row(5, "504", "Kerr", issued_on=(1066, 1, 1)),
            self.row(6, "", "Kerr"), self.row(7, "505", " "),
            self.row(8, "506", "Kerr"), self.row(9, "507", "Kerr")]
        rows[7].periods.append(self.period(
            1, (2020, 1, 1), (2019, 1, 1), None))
        rows[8].periods.append(self.period(1, None, (2023, 2, 29), None))
        summary, rejects = self.publish(*rows)
        self.assertEqual(summary.new_count, 0)
        self.assertEqual(rejects, {
            1: ("birth_date", "DATE_INVALID"),
            2: ("number", "NUMBER_COLLISION"),
            3: ("issued_on", "DATE_INVALID"),
            4: ("issued_on", "DATE_IN_FUTURE"),
            5: ("issued_on", "DATE_TOO_EARLY"),
            6: ("number", "FIELD_MISSING"), 7: ("name", "FIELD_MISSING"),
            8: ("periods", "PERIOD_REVERSED"),
            9: ("periods", "DATE_INVALID")})

    def test_a_snapshot_whose_client_ends_without_a_word_changes_nothing(self):
        self.publish(self.row(1, "600", "Lang"), self.row(2, "601", "Mohr"))

        def half():
            yield self.m.PublishCredentialsRequest(
                header=self.m.PublicationHeader(
                    request_id=str(uuid.uuid4()), association_id="ascp-boc",
                    mode=self.m.PUBLICATION_MODE_SNAPSHOT,
                    extracted_at_us=int(time.time() * 10 ** 6),
                    ending_count_expected=True, ending_count=1,
                    snapshot_type_ids=["ascp-pbt"]),
                rows=[self.row(1, "600", "Lang")])

        with self.assertRaises(grpc.RpcError) as caught:
            list(self.stub.PublishCredentials(half(), timeout=60))
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(len(self.events()), 2)


if __name__ == "__main__":
    unittest.main()
