#!/usr/bin/python3
"""Random people, uploads and claims: every answer of the daemon must be that
of a small model of the rules, which shares no code with it.

    50-model.py [SEED]

VOUCH_BIN names the folder of vouchd.  Four associations, one for each identity
policy, with days, numbers and recognitions of their own, publish several times
what a generator makes up; then thousands of claims are asked, most of them
nearly right.
"""

import csv
import datetime
import hashlib
import os
import random
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import daemon  # noqa: E402
import grpc  # noqa: E402

SECONDS = 40
CLAIMS = 4000
PEOPLE = 45
DAY_US = 86400 * 10 ** 6

# -- dates: (year, month, day), zeros where not given; None: not at all

EPOCH = datetime.date(1970, 1, 1).toordinal()


def first_day(d):
    return datetime.date(d[0], d[1] or 1, d[2] or 1).toordinal() - EPOCH


def last_day(d):
    if d[2]:
        return first_day(d)
    month = d[1] or 12
    if month == 12:
        return datetime.date(d[0], 12, 31).toordinal() - EPOCH
    return datetime.date(d[0], month + 1, 1).toordinal() - EPOCH - 1


def of_day(day):
    d = datetime.date.fromordinal(day + EPOCH)
    return (d.year, d.month, d.day)


def day_at(us, offset_minutes):
    return (us + offset_minutes * 60 * 10 ** 6) // DAY_US


# -- the catalog of the test

ASSOCIATIONS = {
    # id: offset, policy, fold case, drop separators, drop zeros, max age days
    "by-year": (0, "birth_year", 1, 1, 1, 30),
    "by-date": (840, "birth_date", 1, 0, 0, 30),
    "by-last4": (-720, "last4", 0, 1, 0, 30),
    "by-name": (-360, "given_name_and_issue_date", 1, 1, 0, 3),
}
TYPES = ("pbt", "mlt", "mls", "old")
# type ("": all but those of the last column), recognizer, from, until,
# observed, confidence, except
RECOGNITIONS = (
    ("pbt", "ncca", (2015, 1, 1), None, None, "official", ()),
    ("mlt", "anab", None, None, (2018, 6, 0), "secondary", ()),
    ("", "us-aa", (2016, 0, 0), (2023, 0, 0), None, "official", ("old",)),
    ("mls", "us-bb", (2020, 2, 29), None, None, "unverified", ()),
    ("mls", "ncca", (2010, 1, 1), (2021, 12, 31), None, "official", ()),
)
# type ("": all), the days on which what is extended ended, and until when it
# counts, all from today; confidence
EXTENSIONS = (
    ("pbt", -1300, -500, 200, "official"), ("", -450, -50, 60, "secondary"),
    ("mls", -1300, -50, 400, "unverified"), ("mls", -450, -200, 30, "official"),
)
TODAY = int(time.time()) // 86400
RECOGNIZERS = ("ncca", "anab", "us-aa", "us-bb")


def text(date):
    return "" if date is None else "-".join(
        "%02d" % part for part in date if part)


def write_catalog(folder):
    def write(name, columns, rows):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(columns.split())
            out.writerows(rows)

    def flag(value):
        return "true" if value else "false"

    os.mkdir(folder)
    tail = ["a test", "official", "2026-01-01"]
    write("associations.csv", "id name short_name kind lifecycle successor_id "
          "utc_offset_minutes max_age_days contact designation designated_on "
          "number_fold_case number_drop_separators number_drop_leading_zeros "
          "identity_policy source confidence checked_on",
          [[a, a, "", "professional", "active", "", offset, age,
            "https://%s.example" % a, "", "", flag(case), flag(separators),
            flag(zeros), policy] + tail
           for a, (offset, policy, case, separators, zeros, age)
           in ASSOCIATIONS.items()])
    write("credential_types.csv", "id association_id abbreviation name role "
          "kind lifecycle successor_id source confidence checked_on",
          [["%s-%s" % (a, t), a, "", t, "technician", "certification",
            "active", ""] + tail for a in ASSOCIATIONS for t in TYPES])
    write("extensions.csv", "id association_id credential_type_id ended_from "
          "ended_until counts_until order source confidence checked_on",
          [["%s-x%d" % (a, i), a, kind and "%s-%s" % (a, kind)] +
           [text(of_day(TODAY + day)) for day in (since, until, counts)] +
           ["an order", "a test", sure, "2026-01-01"] for a in ASSOCIATIONS
           for i, (kind, since, until, counts, sure)
           in enumerate(EXTENSIONS)])
    write("recognitions.csv", "id association_id credential_type_id "
          "except_credential_type_ids recognizer basis valid_from valid_until "
          "observed_on source confidence checked_on",
          [["%s-r%d" % (a, i), a, kind and "%s-%s" % (a, kind),
            ";".join("%s-%s" % (a, e) for e in left_out), who, "a test",
            text(since), text(until), text(observed), "a test", sure,
            "2026-01-01"]
           for a in ASSOCIATIONS for i, (kind, who, since, until, observed,
                                         sure, left_out)
           in enumerate(RECOGNITIONS)])


# -- names: what is published first, then other forms of the same name

FAMILIES = (
    ("Garcia", "GARCÍA", "garcia", "  Garcia "),
    ("O’Brien", "OBrien", "o'brien", "O Brien"),
    ("Müller", "MUELLER", "Muller", "mu\u0308ller"),
    ("García-López", "Garcia Lopez", "GARCIALOPEZ"),
    ("de la Cruz", "De La Cruz", "delacruz"),
    ("Łukasz", "lukasz"), ("Ngô", "NGO"), ("山田", "山田"),
    ("St. John", "St John", "STJOHN"), ("Nunez", "Núñez"),
)
GIVENS = (("Ana", "ANA", "Aná", "Ana Maria"), ("Bob", "bob", "Bob J"),
          ("Chloë", "Chloe", "CHLOE X"), ("Zoë", "zoe"))
SUFFIXES = {"": 0, "Jr": 2, "jr.": 2, "II": 2, "Sr.": 1, "III": 3, "3rd": 3}


class Record:
    """A credential as one row left it, with the names of before."""

    def __init__(self, row, before):
        self.row = row
        name = (row["family"], row["given"], row["suffix"])
        if before is None:
            self.names = [name]
        elif before.names[0] == name:
            self.names = list(before.names)
        else:
            self.names = [name] + [
                old for old in before.names
                if old[0] != name[0] or old[1] not in (None, name[1])]
        for family in row["former"]:
            if family not in [old[0] for old in self.names]:
                self.names.append((family, None, ""))

    def same(self, other):
        skip = ("former", "effective")
        return self.names == other.names and all(
            self.row[k] == other.row[k] for k in self.row if k not in skip)


class Event:
    def __init__(self, record, effective, assumed, said):
        self.record, self.effective = record, effective
        self.assumed, self.said = assumed, said


class Credential:
    def __init__(self, association, number, person, kind):
        self.association, self.number = association, number
        self.ref, self.kind, self.events = person, kind, []

    def publish(self, row, source_us, arrived_us):
        """Return 0, 1, 2: new, changed, unchanged."""
        offset = ASSOCIATIONS[self.association][0]
        last = self.events[-1] if self.events else None
        record = Record(row, last and last.record)
        effective, assumed = row["effective"], False
        if last and last.record.same(record) and (
                effective is None or
                (not last.assumed and effective == last.effective)):
            return 2
        if not last and row["standing"] in ("ACTIVE", "PROVISIONAL") and \
                row["restriction"] == "NONE":
            begins = [p[0] for p in row["periods"] if p[0]]
            effective = effective or row["issued"] or (
                min(begins, key=first_day) if begins else None)
        if effective is None:
            effective, assumed = of_day(day_at(arrived_us, offset)), True
        self.events.append(Event(record, effective, assumed,
                                 day_at(source_us, offset)))
        return 1 if last else 0

    def is_listed(self):
        return self.events[-1].record.row["standing"] != "NOT_LISTED"

    def leave_out(self, source_us):
        last = self.events[-1].record
        day = day_at(source_us, ASSOCIATIONS[self.association][0])
        self.events.append(Event(
            Record(dict(last.row, standing="NOT_LISTED"), last), of_day(day),
            True, day))

    # what holds on a day

    def outcome(self, event, day):
        """standing, restriction, review, in force, why not"""
        row = event.record.row
        standing, restriction = row["standing"], row["restriction"]
        why = []
        found = [self.period(p, row["good"], event.said, day)
                 for p in row["periods"]]
        if standing == "EXPIRED" and "over" not in found:
            if "rumored" in found:
                standing = "UNKNOWN"
            elif "extended" in found and \
                    not {"unknown", "not yet"} & set(found):
                standing = "ACTIVE"
        if standing == "UNKNOWN":
            why.append("STANDING_UNKNOWN")
        elif standing == "NOT_LISTED":
            why.append("NOT_LISTED")
        elif standing not in ("ACTIVE", "PROVISIONAL"):
            why.append("STANDING")
        if restriction == "SUSPENDED":
            why.append("SUSPENDED")
        if standing in ("ACTIVE", "PROVISIONAL"):
            if "over" in found:
                standing = "EXPIRED"
                why.append("OUT_OF_PERIOD")
            elif "unknown" in found or "rumored" in found:
                standing = "UNKNOWN"
                why.append("STANDING_UNKNOWN")
            elif "not yet" in found:
                why.append("OUT_OF_PERIOD")
        return (standing, restriction, row["review"], not why, tuple(why),
                not why and "extended" in found)

    def extended(self, last, day):
        found = {sure for kind, since, until, counts, sure in EXTENSIONS
                 if kind in ("", self.kind) and
                 since <= last - TODAY <= until and day - TODAY <= counts}
        return "over" if not found else (
            "rumored" if found == {"unverified"} else "extended")

    def period(self, period, good, said, day):
        since, until, grace = period
        if since and day < first_day(since):
            return "unknown" if day < said else "not yet"
        if since and day < last_day(since) and not first_day(since) <= said \
                <= day:
            return "unknown"
        if until and not good and day > max(
                last_day(until), last_day(grace) if grace else -10 ** 9):
            return self.extended(last_day(until), day)
        return "in"

    def span(self, i):
        """The first and the last day on which event i may have begun."""
        event = self.events[i]
        if event.assumed:
            latest = min(event.said, first_day(event.effective))
            return (self.events[i - 1].said + 1 if i else -10 ** 9), latest
        first, last = first_day(event.effective), last_day(event.effective)
        if event.said >= first:
            last = min(last, event.said)
        return first, last

    def on(self, day):
        unknown = ("UNKNOWN", "NONE", "NONE", False, ("STANDING_UNKNOWN",),
                   False)
        issued = self.events[-1].record.row["issued"]
        if issued and day < first_day(issued):
            return (None, "NONE", "NONE", False, ("BEFORE_ISSUE",), False)
        if issued and day < last_day(issued) and not \
                first_day(issued) <= self.events[0].said <= day:
            return unknown
        sure = [i for i in range(len(self.events))
                if self.span(i)[1] <= day]
        if not sure:
            return unknown
        at = max(sure)
        readings = [at] + [i for i in range(at + 1, len(self.events))
                           if self.span(i)[0] <= day]
        announced = [
            i for i in range(at) if not self.events[i].assumed and
            max(self.events[at].said,
                first_day(self.events[at].effective)) <
            first_day(self.events[i].effective) <= day]
        readings += announced[-1:]
        found = {self.outcome(self.events[i], day)[:4] for i in readings}
        if len(found) > 1:
            return unknown
        return self.outcome(self.events[at], day)


# -- the model of an answer

def compare(claimed, filed, equal):
    if not claimed:
        return None
    if not filed:
        return "NOT_COMPARED"
    return "MATCH" if equal else "MISMATCH"


def agree(a, b):
    return all(x == y or not x or not y for x, y in zip(a, b))


def match(policy, claim, credential):
    """Return the comparisons by factor, or None: not the person."""
    record = credential.events[-1].record
    row, names = record.row, record.names
    if claim["family"] not in [n[0] for n in names]:
        return None
    found = {}
    givens = [n[1] for n in names if n[1] is not None]
    if claim["given"] is not None:
        index, initial = claim["given"]
        if initial:
            near = any(GIVENS[g][0][0] == GIVENS[index][0][0] for g in givens)
            found["GIVEN_NAME"] = compare(1, givens and not near, False)
        else:
            found["GIVEN_NAME"] = compare(1, givens, index in givens)
    suffixes = [SUFFIXES[n[2]] for n in names if n[2]]
    found["SUFFIX"] = compare(claim["suffix"], suffixes,
                              SUFFIXES[claim["suffix"]] in suffixes)
    birth, filed = claim["birth"], row["birth"]
    if birth:
        year = compare(1, filed, filed and birth[0] == filed[0])
        whole = compare(1, filed and filed[2], birth == filed)
        if not birth[2]:
            found["BIRTH_YEAR"] = year
        else:
            found["BIRTH_DATE"] = whole
            if whole == "NOT_COMPARED" and year != "NOT_COMPARED":
                found["BIRTH_YEAR"] = year
    found["LAST4"] = compare(claim["last4"], row["last4"],
                             claim["last4"] == row["last4"])
    by_name = policy == "given_name_and_issue_date"
    issued, filed = claim["issued"], row["issued"]
    found["ISSUED_ON"] = compare(
        issued, filed and (filed[2] or not by_name),
        filed and issued and agree(issued, filed))
    wanted = {"birth_year": (), "birth_date": ("BIRTH_DATE",),
              "last4": ("LAST4",),
              "given_name_and_issue_date": ("GIVEN_NAME", "ISSUED_ON")}[policy]
    if any(found.get(w) != "MATCH" for w in wanted):
        return None
    if policy == "birth_year" and "MATCH" not in (
            found.get("BIRTH_YEAR"), found.get("BIRTH_DATE")):
        return None
    if "MISMATCH" in [value for key, value in found.items()
                      if key != "ISSUED_ON"]:
        return None
    found["CREDENTIAL_TYPE"] = compare(
        claim["kind"], 1, claim["kind"] == credential.kind)
    return found


def recognition(claim, kind, day):
    best = "NOT_RECOGNIZED"
    for only, who, since, until, observed, sure, left_out in RECOGNITIONS:
        if claim["recognizers"] and who not in claim["recognizers"]:
            continue
        if (only and only != kind) or kind in left_out:
            continue
        if sure == "unverified":
            best = "UNKNOWN"
            continue
        if (until and day > last_day(until)) or (
                since and day < first_day(since)):
            continue
        if (until and not until[2] and day >= first_day(until)) or \
                day < last_day(since or observed):
            best = "UNKNOWN"
        else:
            return "RECOGNIZED"
    return best


def judge(claim, credentials, fresh, now_us):
    """Return what the answer must hold, as a dictionary."""
    offset, policy = ASSOCIATIONS[claim["association"]][:2]
    today = day_at(now_us, offset)
    day = today if claim["as_of"] is None else first_day(claim["as_of"])
    future = day > today
    held = [(c, m) for c in credentials if c.number == claim["number"]
            for m in [match(policy, claim, c)] if m]
    if not held:
        return {"verdict": "NO_MATCH", "conclusion": "REVIEW"}
    right = [h for h in held
             if h[1]["CREDENTIAL_TYPE"] != "MISMATCH"]
    if len(right) > 1:
        return {"verdict": "AMBIGUOUS", "conclusion": "REVIEW"}
    review = not fresh or future
    if not right or right[0][1]["ISSUED_ON"] == "MISMATCH":
        disputed = any(c.on(day)[2] == "DISPUTED" for c, _ in right or held)
        return {"verdict": "MISMATCH",
                "conclusion": "REVIEW" if review or disputed else "NO"}
    credential, factors = right[0]
    standing, restriction, look, in_force, why, extended = \
        credential.on(day)
    counts = recognition(claim, credential.kind, day)
    if review or look == "DISPUTED" or standing in ("UNKNOWN", "NOT_LISTED"):
        conclusion = "REVIEW"
    elif not in_force or counts == "NOT_RECOGNIZED":
        conclusion = "NO"
    elif counts == "RECOGNIZED" and restriction == "NONE" and look == "NONE":
        conclusion = "YES"
    else:
        conclusion = "REVIEW"
    return {
        "verdict": "CONFIRMED" if in_force else "NOT_CURRENT",
        "conclusion": conclusion, "standing": standing or "UNSPECIFIED",
        "restriction": restriction, "review": look, "recognition": counts,
        "why": why, "extended": extended, "factors": factors,
        "kind": credential.kind,
        "former": claim["family"] != credential.events[-1].record.names[0][0],
        "status": credential.on(day)}


def lacks(claim):
    policy = ASSOCIATIONS[claim["association"]][1]
    if policy == "birth_year":
        return not claim["birth"]
    if policy == "birth_date":
        return not claim["birth"] or not claim["birth"][2]
    if policy == "last4":
        return not claim["last4"]
    return claim["given"] is None or not claim["issued"] or \
        not claim["issued"][2]


# -- what is made up

class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.today = int(time.time()) // 86400
        self.credentials = {a: [] for a in ASSOCIATIONS}

    def chance(self, p):
        return self.random.random() < p

    def a_date(self, low, high, partial=0.15):
        year, month, day = of_day(self.random.randint(low, high))
        if self.chance(partial):
            return (year, month, 0) if self.chance(0.5) else (year, 0, 0)
        return (year, month, day)

    def birth(self):
        kind = self.random.random()
        year = self.random.choice((1970, 1980, 1990))
        if kind < 0.1:
            return None
        return (year, 0, 0) if kind < 0.25 else (
            year, self.random.randint(1, 2), self.random.randint(1, 2))

    def periods(self):
        found = []
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            since = None if self.chance(0.3) else self.a_date(
                self.today - 3000, self.today + 30)
            until = None if self.chance(0.2) else self.a_date(
                max(self.today - 1500, last_day(since) if since else 0),
                self.today + 1500)
            grace = None
            if until and self.chance(0.3):
                low = last_day(until)
                grace = self.a_date(low, low + 90, 0.0)
            found.append((since, until, grace))
        return found

    def status(self, row):
        row["standing"] = self.random.choice(
            ("ACTIVE",) * 9 + ("PROVISIONAL", "PENDING", "INACTIVE", "EXPIRED",
             "REVOKED", "SURRENDERED", "NOT_LISTED", "UNKNOWN"))
        row["restriction"] = self.random.choice(
            ("NONE",) * 8 + ("CONDITIONS", "SUSPENDED"))
        row["review"] = self.random.choice(
            ("NONE",) * 10 + ("DISPUTED", "UNDER_INVESTIGATION"))
        row["good"] = self.chance(0.05)

    def effective(self):
        if self.chance(0.6):
            return None
        return self.a_date(self.today - 2500, self.today + 200)

    def new_row(self):
        row = {"family": self.random.randrange(len(FAMILIES)),
               "given": None if self.chance(0.1) else
               self.random.randrange(len(GIVENS)),
               "suffix": self.random.choice(("",) * 8 + ("Jr", "III")),
               "former": [], "birth": self.birth(),
               "last4": "" if self.chance(0.1) else
               self.random.choice(("0000", "1234", "4321")),
               "issued": None if self.chance(0.1) else self.a_date(
                   self.today - 3000, self.today - 20),
               "periods": self.periods(), "effective": self.effective()}
        self.status(row)
        return row

    def changed_row(self, old):
        row = dict(old, effective=None, former=[])
        if self.chance(0.2):
            return row                      # the same again
        if self.chance(0.5):
            self.status(row)
        if self.chance(0.3):
            row["periods"] = self.periods()
        if self.chance(0.15):
            row["family"] = self.random.randrange(len(FAMILIES))
        if self.chance(0.1):
            row["former"] = [self.random.randrange(len(FAMILIES))]
        if self.chance(0.1) and row["given"] is not None:
            row["given"] = self.random.randrange(len(GIVENS))
        if self.chance(0.1):
            row["birth"] = self.birth()
        if self.chance(0.1):
            row["issued"] = self.a_date(self.today - 3000, self.today - 20)
        row["effective"] = self.effective()
        return row

    def rows(self, association, first, share):
        """Return [(credential, row)] of one upload, ${share} of those that
        are known."""
        known = self.credentials[association]
        found = [(c, self.changed_row(c.events[-1].record.row))
                 for c in known if self.chance(share)]
        for i in range(PEOPLE if first else 5):
            number = "A%d" % self.random.randrange(1, PEOPLE)
            ref = "p%d-%d" % (len(known), i)
            row = self.new_row()
            kinds = self.random.sample(TYPES, self.random.choice((1, 1, 1, 2)))
            for kind in kinds:
                made = Credential(association, number, ref, kind)
                known.append(made)
                found.append((made, dict(row)))
        return found

    def keep_to(self, association, rows, kinds):
        """Leave in ${rows} those of ${kinds}, unless there are none; return
        what a snapshot of them does not list."""
        if not kinds:
            return []
        rows[:] = [(c, row) for c, row in rows if c.kind in kinds]
        known = self.credentials[association]
        stated = {id(c) for c, _ in rows}
        known[:] = [c for c in known if c.events or id(c) in stated]
        return [c for c in known if c.kind in kinds and c.events and
                c.is_listed() and id(c) not in stated]

    def days_of(self, credential):
        for e in credential.events:
            row = e.record.row
            yield e.said
            yield first_day(e.effective)
            yield last_day(e.effective)
            for date in [row["issued"]] + [d for p in row["periods"]
                                           for d in p]:
                if date:
                    yield first_day(date)
                    yield last_day(date)

    def claim(self, association):
        offset, policy = ASSOCIATIONS[association][:2]
        credential = self.random.choice(self.credentials[association])
        record = credential.events[-1].record
        row = record.row
        name = record.names[0] if self.chance(0.8) else \
            self.random.choice(record.names)
        claim = {"association": association, "number": credential.number,
                 "family": name[0], "given": None, "suffix": "",
                 "birth": row["birth"], "last4": "", "issued": None,
                 "kind": credential.kind, "as_of": None, "recognizers": []}
        if name[1] is not None and (policy.startswith("given") or
                                    self.chance(0.4)):
            claim["given"] = (name[1], False)
        if self.chance(0.2):
            claim["suffix"] = name[2]
        if policy == "last4" or self.chance(0.2):
            claim["last4"] = row["last4"]
        if policy.startswith("given") or self.chance(0.2):
            claim["issued"] = row["issued"]
        if not policy.startswith("birth") and self.chance(0.6):
            claim["birth"] = None
        if policy == "birth_year" and claim["birth"] and self.chance(0.5):
            claim["birth"] = (claim["birth"][0], 0, 0)
        if self.chance(0.25):
            self.spoil(claim)
        if self.chance(0.2):
            claim["kind"] = ""
        if self.chance(0.6):
            near = self.random.choice(list(self.days_of(credential)) +
                                      [self.today] * 3)
            claim["as_of"] = of_day(near + self.random.randint(-2, 2))
        elif self.chance(0.02):
            claim["as_of"] = self.random.choice(((1, 1, 1), (9999, 12, 31)))
        if self.chance(0.3):
            claim["recognizers"] = self.random.sample(RECOGNIZERS, 2)
        return claim

    def spoil(self, claim):
        what = self.random.choice(("number", "family", "given", "initial",
                                   "suffix", "birth", "last4", "issued",
                                   "kind", "lack"))
        if what == "number":
            claim["number"] = "A%d" % self.random.randrange(1, PEOPLE + 9)
        elif what == "family":
            claim["family"] = self.random.randrange(len(FAMILIES))
        elif what == "given":
            claim["given"] = (self.random.randrange(len(GIVENS)), False)
        elif what == "initial":
            claim["given"] = (self.random.randrange(len(GIVENS)), True)
        elif what == "suffix":
            claim["suffix"] = self.random.choice(list(SUFFIXES))
        elif what == "birth":
            claim["birth"] = self.birth()
        elif what == "last4":
            claim["last4"] = "9999"
        elif what == "issued":
            claim["issued"] = self.a_date(self.today - 900, self.today)
        elif what == "kind":
            claim["kind"] = self.random.choice(TYPES)
        else:
            claim["birth"] = claim["issued"] = claim["given"] = None
            claim["last4"] = ""


# -- the wire

class Wire:
    def __init__(self, served, stubs):
        import importlib
        daemon.generate_stubs(stubs)
        for name in ("publishing_service", "verification_service",
                     "verification", "types"):
            setattr(self, name, importlib.import_module(
                "vouch.v1.%s_pb2" % name))
        for a in ASSOCIATIONS:
            daemon.make_certificates(served.certificates(), "--client",
                                     "association", a, a)
        self.publishers = {
            a: importlib.import_module(
                "vouch.v1.publishing_service_pb2_grpc").PublishingServiceStub(
                    served.channel(a)) for a in ASSOCIATIONS}
        self.verifier = importlib.import_module(
            "vouch.v1.verification_service_pb2_grpc"
        ).VerificationServiceStub(served.channel("employer"))

    @staticmethod
    def set_date(field, date):
        if date:
            field.year, field.month, field.day = date

    def row(self, line, credential, row):
        m = self.publishing_service.CredentialRow(
            line=line, number=credential.number, holder_ref=credential.ref,
            credential_type_id="%s-%s" % (credential.association,
                                          credential.kind),
            last4=row["last4"], good_past_end_date=row["good"],
            former_family=[FAMILIES[f][0] for f in row["former"]])
        m.name.family = FAMILIES[row["family"]][0]
        m.name.given = "" if row["given"] is None else GIVENS[row["given"]][0]
        m.name.suffix = row["suffix"]
        m.standing = self.types.Standing.Value("STANDING_" + row["standing"])
        m.restriction = self.types.Restriction.Value(
            "RESTRICTION_" + row["restriction"])
        m.review = self.types.Review.Value("REVIEW_" + row["review"])
        self.set_date(m.birth_date, row["birth"])
        self.set_date(m.issued_on, row["issued"])
        self.set_date(m.effective_on, row["effective"])
        for since, until, grace in row["periods"]:
            p = m.periods.add(kind=1)
            self.set_date(p.valid_from, since)
            self.set_date(p.valid_until, until)
            self.set_date(p.grace_until, grace)
        return m

    def publish(self, association, rows, extracted_us, kinds, endings):
        """A snapshot of ${kinds}, unless there are none; return the summary."""
        first = self.publishing_service.PublishCredentialsRequest(
            rows=[self.row(i + 1, c, r) for i, (c, r) in enumerate(rows)])
        first.header.request_id = str(uuid.uuid4())
        first.header.association_id = association
        first.header.mode = 1
        first.header.extracted_at_us = extracted_us
        if kinds:
            first.header.mode = 2
            first.header.snapshot_type_ids.extend(
                "%s-%s" % (association, kind) for kind in kinds)
            first.header.ending_count_expected = True
            first.header.ending_count = endings
            first.end.row_count = len(rows)
            first.end.content_hash = self.content_hash(first)
        summary = None
        for response in self.publishers[association].PublishCredentials(
                iter([first]), timeout=60):
            assert not response.rejects, response.rejects
            if response.HasField("summary"):
                summary = response.summary
        return summary

    def content_hash(self, message):
        """As Publication.content_hash has it."""
        header = self.publishing_service.PublicationHeader(
            association_id=message.header.association_id,
            mode=message.header.mode,
            extracted_at_us=message.header.extracted_at_us,
            snapshot_type_ids=message.header.snapshot_type_ids)
        hashed = hashlib.sha256()
        for part in [header] + list(message.rows):
            packed = part.SerializeToString(deterministic=True)
            hashed.update(len(packed).to_bytes(4, "big") + packed)
        return hashed.digest()

    def ask(self, world, claim):
        """Start asking; return the call."""
        a = claim["association"]
        _, _, case, separators, zeros, _ = ASSOCIATIONS[a]
        number = claim["number"]
        if case and world.chance(0.3):
            number = number.lower()
        if separators and world.chance(0.3):
            number = number[0] + world.random.choice(" -./_") + number[1:]
        if zeros and world.chance(0.3):
            number = "00" + number
        request = self.verification_service.VerifyCredentialRequest(
            request_id=str(uuid.uuid4()))
        m = request.claim
        m.association_id, m.number, m.last4 = a, number, claim["last4"]
        m.name.family = world.random.choice(FAMILIES[claim["family"]])
        if claim["given"]:
            index, initial = claim["given"]
            m.name.given = GIVENS[index][0][0] + "." if initial else \
                world.random.choice(GIVENS[index])
        if claim["suffix"] and world.chance(0.5):
            m.name.family = m.name.family.strip() + ", " + claim["suffix"]
        else:
            m.name.suffix = claim["suffix"]
        if claim["kind"]:
            m.credential_type_id = "%s-%s" % (a, claim["kind"])
        m.recognized_by.extend(claim["recognizers"])
        self.set_date(m.birth_date, claim["birth"])
        self.set_date(m.issued_on, claim["issued"])
        self.set_date(m.as_of, claim["as_of"])
        return self.verifier.VerifyCredential.future(request, timeout=30)


def bare(enum, value):
    """The name of an enum's value, without that of the enum."""
    name = enum.Name(value)
    for prefix in ("VERDICT_", "CONCLUSION_", "STANDING_", "RESTRICTION_",
                   "REVIEW_", "RECOGNITION_STATE_", "REASON_", "FACTOR_",
                   "COMPARISON_"):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


def check(wire, claim, answer, want):
    """Raise AssertionError unless ${answer} is as the model has it."""
    v, t = wire.verification, wire.types

    def same(what, got, wanted):
        assert got == wanted, "%s is %s, not %s" % (what, got, wanted)

    same("verdict", bare(v.Verdict, answer.verdict), want["verdict"])
    same("conclusion", bare(v.Conclusion, answer.conclusion),
         want["conclusion"])
    found = {bare(t.Factor, f.factor): bare(v.Comparison, f.comparison)
             for f in answer.factors}
    if want["verdict"] == "NO_MATCH":
        same("factors", set(found.values()), {"WITHHELD"})
    if "factors" not in want:
        assert not answer.HasField("status") and not answer.periods and \
            not answer.credential_type_id and not answer.recognitions
        return
    wanted = {k: w for k, w in want["factors"].items() if w}
    wanted.update(NUMBER="MATCH", FAMILY_NAME="MATCH")
    same("factors", found, wanted)
    same("standing", bare(t.Standing, answer.status.standing),
         want["standing"])
    same("restriction", bare(t.Restriction, answer.status.restriction),
         want["restriction"])
    same("review", bare(t.Review, answer.status.review), want["review"])
    same("recognition", bare(v.RecognitionState, answer.recognition),
         want["recognition"])
    same("type", answer.credential_type_id,
         "%s-%s" % (claim["association"], want["kind"]))
    same("former", answer.former_name_matched, want["former"])
    same("extension", answer.HasField("extension"), want["extended"])
    reasons = [bare(v.Reason, r) for r in answer.reasons]
    assert set(want["why"]) <= set(reasons), (want["why"], reasons)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else \
        int.from_bytes(os.urandom(4), "big")
    print("seed", seed)
    world = World(seed)
    tally = {}
    server = daemon.Daemon()
    catalog = os.path.join(server.directory, "catalog")
    stubs = os.path.join(server.directory, "stubs")
    os.mkdir(stubs)
    write_catalog(catalog)
    server.arguments = ("--set", "catalog.dir=" + catalog)
    with server:
        wire = Wire(server, stubs)
        fresh = {}
        left_out = 0
        for a in ASSOCIATIONS:
            # The last word of by-name is too old.
            ages = (900, 300, 60, 20, 5 if a == "by-name" else 1)
            for i, age in enumerate(ages):
                kinds = world.random.sample(TYPES, 2) if i % 2 else ()
                rows = world.rows(a, i == 0, 0.8 if kinds else 0.5)
                at = int(time.time() * 10 ** 6) - age * DAY_US
                absent = world.keep_to(a, rows, kinds)
                done = wire.publish(a, rows, at, kinds, len(absent))
                counts = [0, 0, 0]
                for credential, row in rows:
                    counts[credential.publish(row, at,
                                              done.recorded_at_us)] += 1
                for credential in absent:
                    credential.leave_out(at)
                left_out += len(absent)
                assert counts == [done.new_count, done.changed_count,
                                  done.unchanged_count], (a, i, counts, done)
                assert len(absent) == done.not_listed_count, (absent, done)
            fresh[a] = a != "by-name"
        end = time.monotonic() + SECONDS
        asked = 0
        while asked < CLAIMS and time.monotonic() < end:
            claims = [world.claim(a) for a in ASSOCIATIONS for _ in range(25)]
            calls = [(c, wire.ask(world, c)) for c in claims]
            for claim, call in calls:
                asked += 1
                try:
                    answer = call.result().answer
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
                    assert lacks(claim), (claim, error.details())
                    tally["refused"] = tally.get("refused", 0) + 1
                    continue
                a = claim["association"]
                want = judge(claim, world.credentials[a], fresh[a],
                             answer.answered_at_us)
                try:
                    assert not lacks(claim)
                    check(wire, claim, answer, want)
                except AssertionError:
                    print("claim", claim)
                    print("model", want)
                    print("answer", answer)
                    for c in world.credentials[a]:
                        if c.number == claim["number"]:
                            print(c.ref, c.kind, [
                                (e.effective, e.assumed, of_day(e.said),
                                 e.record.names, e.record.row)
                                for e in c.events])
                    raise
                for key in [want["verdict"] + " " + want["conclusion"]] + [
                        "extended"] * bool(want.get("extended")) + [
                        "not listed"] * (want.get("standing") ==
                                         "NOT_LISTED"):
                    tally[key] = tally.get(key, 0) + 1
        # The index is what the log makes of it, after all this.
        server.terminate()
        server.wait()
        subprocess.run([daemon.program("vouchd"), "--check-index", "--dev",
                        server.dev, *server.arguments], check=True,
                       stdin=subprocess.DEVNULL, timeout=60)
    print(asked, "claims:", tally)
    assert asked >= 1000, "too slow"
    wanted = ("CONFIRMED YES", "CONFIRMED NO", "CONFIRMED REVIEW",
              "NOT_CURRENT NO", "NOT_CURRENT REVIEW", "MISMATCH NO",
              "MISMATCH REVIEW", "AMBIGUOUS REVIEW", "NO_MATCH REVIEW",
              "refused", "extended", "not listed")
    assert left_out >= 20, "hardly anything was left out"
    for key in wanted:
        assert tally.get(key, 0) >= 5, "hardly any " + key


if __name__ == "__main__":
    main()
