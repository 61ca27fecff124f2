#!/usr/bin/python3
"""Make files that look like those of six registers, with invented people.

    make_lookalikes.py --out DIR [--rows N] [--seed S]

For each mapping NAME.yaml in catalog/mappings DIR gets NAME.csv or NAME.tsv,
with every fault that such files are known to have, and NAME.json: of each line
what must become of it. A person and a license are made first, then written as
the register writes them; what is expected is what was made, and was not read
back. The same arguments give the same files.
"""

import argparse
import datetime
import json
import os
import random

import make_roster

NEVER = "REASON_UNSPECIFIED"
DEGREES = ("DVM", "VMD", "MPH", "PhD", "MS", "DACVIM", "DVSc DACVS",
           "BVM&S", "MAM dACPV", "DACVS SA", "VMD PhD", "MAg")
SUFFIXES = ("JR", "SR", "II", "III", "IV", "V")


class Person:
    """Somebody, as a register would have it if it were written well."""

    def __init__(self, rng, upper=False):
        def case(text):
            return text.upper() if upper else text

        self.family = case(make_roster.family(rng))
        self.given = case(rng.choice(make_roster.GIVEN_STARTS) +
                          rng.choice(make_roster.GIVEN_ENDS))
        self.middle = rng.choice("ABCDEFGHJKLMNPRSTW") \
            if rng.randrange(3) else ""
        self.suffix = ""
        self.former = []


class Maker:
    """One file, line by line, and what must become of each."""

    def __init__(self, rng, name, header, separator, quoted=False, end="\n"):
        self.rng = rng
        self.name = name
        self.separator = separator
        self.quoted = quoted
        self.end = end
        self.lines = [self.render(header)]
        self.expect = []

    def render(self, cells):
        if self.quoted:
            cells = ['"%s"' % cell.replace('"', '""') for cell in cells]
        return self.separator.join(cells)

    def add(self, cells, outcome="accepted", reason="", field="",
            record=None):
        self.lines.append(self.render(cells))
        self.expect.append({"line": len(self.lines), "outcome": outcome,
                            "reason": reason, "field": field,
                            "record": record})

    def write(self, directory, last_end):
        kind = "tsv" if self.separator == "\t" else "csv"
        text = self.end.join(self.lines) + (self.end if last_end else "")
        path = os.path.join(directory, "%s.%s" % (self.name, kind))
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        with open(os.path.join(directory, self.name + ".json"), "w",
                  encoding="utf-8") as out:
            json.dump(self.expect, out, indent=0, ensure_ascii=False)


def us(day):
    return day.strftime("%m/%d/%Y") if day else ""


def dates(rng):
    """A day of issue and a last day, the latter often past."""
    issued = make_roster.EPOCH - datetime.timedelta(rng.randrange(400, 18000))
    until = issued + datetime.timedelta(rng.randrange(200, 9000))
    return issued, until


def record(person, number, issued, until, status, reason="",
           standing="ACTIVE", inactive=NEVER, restriction="NONE",
           review="NONE", good=False):
    return {"number": number, "family": person.family, "given": person.given,
            "middle": person.middle, "suffix": person.suffix,
            "former": person.former,
            "issued": issued.isoformat() if issued else "",
            "until": until.isoformat() if until else "",
            "status": status, "reason": reason, "standing": standing,
            "inactive_reason": inactive, "restriction": restriction,
            "review": review, "good": good}


def given_and_initial(person):
    return (person.given + " " + person.middle).strip()


# ---- Alabama ----------------------------------------------------------------

def plain(text):
    """Only ASCII: the register knows no accents."""
    return text.encode("ascii", "ignore").decode()


def alabama(rng, rows):
    out = Maker(rng, "al_vet", ("LAST_NAME", "FIRST_NAME", "TYPE",
                                "LIC_NUMBER", "ISSUED_DATE",
                                "EXPIRATION_DATE"), ",", end="\r\n")
    for i in range(rows):
        person, number = Person(rng, upper=True), str(1000 + i)
        person.family, person.given = plain(person.family), plain(person.given)
        if rng.randrange(9) == 0:
            person.family = "Mc" + person.family
        issued, until = dates(rng)
        family, given = person.family, given_and_initial(person)
        fault = i % 20
        if fault in (1, 2):
            person.suffix = rng.choice(SUFFIXES)
            family += (", " if fault == 2 else " ") + person.suffix
            family = '"%s"' % family if fault == 2 else family
        elif fault == 3:
            family += " " + rng.choice(DEGREES)
        elif fault == 4:
            person.suffix = "III"
            family += " III MS PhD"
        elif fault == 5:
            family += " "
        elif fault == 6:
            given = person.given + " (ACE) " + person.middle
        elif fault == 7:                # the given name is none
            given, person.suffix = "JR.", "JR."
            person.given = person.middle = ""
        elif fault == 8:
            until = None
        cells = (family, given, "DVM", number, us(issued), us(until))
        if fault == 9:
            out.add(cells[:5] + ("12/31/1010",), "rejected", "DATE_INVALID",
                    "EXPIRATION_DATE")
        elif fault == 10:
            ended = issued - datetime.timedelta(140)
            out.add(cells[:5] + (us(ended),), "rejected", "PERIOD_REVERSED",
                    "EXPIRATION_DATE")
        else:
            out.add(cells, record=record(
                person, number, issued, until, "LISTED",
                standing="ACTIVE" if until else "UNKNOWN"))
    return out, False


# ---- Colorado ---------------------------------------------------------------

CO_HEADER = ("Last Name", " First Name", " Middle Name", "Suffix",
             "Entity Name", "Formatted Name", "City", "License Type",
             "License Number", "License First Issue Date",
             "License Expiration Date", " License Status Description",
             "Degree(s)", "Case Number", "Program Action",
             "Discipline Effective Date", "Discipline Complete Date", "")
CO_STATUSES = (("Active", "ACTIVE", "NONE"), ("Expired", "EXPIRED", "NONE"),
               ("Active - With Conditions", "ACTIVE", "CONDITIONS"),
               ("Active - Restricted", "ACTIVE", "CONDITIONS"),
               ("Suspended", "ACTIVE", "SUSPENDED"),
               ("Summary Suspension", "ACTIVE", "SUSPENDED"),
               ("Inactive", "INACTIVE", "NONE"),
               ("Revoked", "REVOKED", "NONE"),
               ("Surrendered", "SURRENDERED", "NONE"),
               ("Voluntary Surrender", "SURRENDERED", "NONE"))
# What an open case adds to a license that is otherwise in order.
CO_CASES = (("CLS Stipulation", "restriction", "CONDITIONS"),
            ("CLS Letter of Admonition", "restriction", "NONE"),
            ("ITRM Summary Suspension", "restriction", "SUSPENDED"),
            ("ID Hearing Formal Complaint/Charges Filed with OAC", "review",
             "UNDER_INVESTIGATION"),
            ("CLS Revocation", "standing", "REVOKED"))
GRAVITY = {"restriction": ("NONE", "CONDITIONS", "SUSPENDED"),
           "review": ("NONE", "UNDER_INVESTIGATION"),
           "standing": ("ACTIVE", "INACTIVE", "EXPIRED", "SURRENDERED",
                        "REVOKED")}
EXTRACTED = datetime.date(2025, 6, 20)


def co_names(rng, i, person):
    """How the last name is written, and what it must become."""
    family = person.family
    if i % 11 == 1:
        family = person.family = "O\u2019" + person.family.strip("O'")
    elif i % 11 == 2:
        family += " DVM"
    elif i % 11 == 3:
        person.suffix = "Jr."
        family += ", Jr."
    elif i % 11 == 4:
        person.middle = 'T. "Ace"'
    elif i % 11 == 5:
        person.suffix = "III"
    return family, "III" if i % 11 == 5 else ""


def co_case(rng, expect, number, k):
    """The four cells of a case; an open one makes ${expect} graver."""
    action, axis, value = rng.choice(CO_CASES)
    effective = EXTRACTED - datetime.timedelta(rng.randrange(30, 4000))
    complete = ""
    lot = rng.randrange(4)
    if lot == 0:
        complete = us(EXTRACTED)            # that very day it is over
    elif lot == 1:
        complete = us(effective)
        action = "Some Action Long Over"    # needs no meaning any more
    elif lot == 2:
        effective = EXTRACTED + datetime.timedelta(7)
    else:
        if rng.randrange(2):
            complete = us(EXTRACTED + datetime.timedelta(1))
        order = GRAVITY[axis]
        if order.index(value) > order.index(expect[axis]):
            expect[axis] = value
    return ("%s-%d" % (number, k), action, us(effective), complete)


def co_license(rng, i, twins):
    """All lines of one license, each with what must become of it."""
    person, number = Person(rng), str(500 + 7 * i)
    if i % 30 == 29:                        # another with the same name
        twin = twins[-1]
        person.family, person.given, person.middle = \
            twin.family, twin.given, twin.middle
        family, suffix = person.family, ""
    else:
        family, suffix = co_names(rng, i, person)
    if not person.suffix:
        twins.append(person)
    issued, until = dates(rng)
    if i % 50 == 49:
        issued = until = None
    status, standing, restriction = CO_STATUSES[
        i % len(CO_STATUSES) if i % 3 == 0 else 0]
    expect = record(person, number, issued, until, status, standing=standing,
                    restriction=restriction)
    head = (family, person.given + (" " if i % 9 == 0 else ""),
            person.middle, suffix, "", "", "DENVER", "VET", number,
            us(issued), us(until), status, "~Doctor")
    rows = 1 if i % 5 else rng.randrange(1, 13)
    if rows == 1 and i % 5:
        return [(head + ("", "", "", "", ""), "accepted", "", "", expect)]
    lines = [[head + co_case(rng, expect, number, k) + ("",),
              "folded" if k else "accepted", "", "", None if k else expect]
             for k in range(rows)]
    if i % 35 == 10:                        # they contradict each other
        lines.append([head[:10] + ("01/01/2030",) + head[11:] +
                      ("", "", "", "", ""), "", "", "", None])
        for line in lines:
            line[1:] = ["rejected", "FOLD_CONTRADICTORY", "License Number",
                        None]
    elif i % 35 == 20:                      # one of them is not understood
        for line in lines:
            line[1:] = ["rejected", "FOLD_SPOILED", "License Number", None]
        lines.append([head + ("9", "CLS New Kind", "01/02/2020", "", ""),
                      "rejected", "CASE_UNMAPPED", "Program Action", None])
    return lines


def colorado(rng, rows):
    out = Maker(rng, "co_dora_vet", CO_HEADER, "\t")
    near, far, twins = [], [], []
    for i in range(rows):
        lines = co_license(rng, i, twins)
        near.append(lines[0])
        (near if i % 2 else far).extend(lines[1:])
    for line in near + far:
        out.add(*line)
    return out, True


# ---- Connecticut ------------------------------------------------------------

CT_REASONS = (("CURRENT", "NONE", False), ("PRINT LICENSE", "NONE", False),
              ("PRIOR DISCIPLINE", "NONE", False),
              ("RENEWAL APPLICATION SENT", "NONE", True),
              ("RENEWAL APPLICATION RECEIVED-INCOMPLETE", "NONE", True),
              ("ON PROBATION", "CONDITIONS", False),
              ("LICENSE RESTRICTED", "CONDITIONS", False),
              ("SUSPENDED", "SUSPENDED", False))


def connecticut(rng, rows):
    out = Maker(rng, "ct_elicense_vet", (
        "LICENSE NO.", "FIRST NAME", "LAST NAME", "CITY", "STATE", "ZIP",
        "COUNTY", "STATUS", "REASON", "ISSUE DATE", "EXPIRATION DATE", ""),
        "\t")
    for i in range(rows):
        person, number = Person(rng, upper=True), "%06d" % (600 + i)
        issued, until = dates(rng)
        reason, restriction, good = CT_REASONS[i % len(CT_REASONS)]
        family, given, began = person.family, given_and_initial(person), issued
        fault = i % 21
        if fault == 1:
            issued, began = None, datetime.date(1901, 1, 1)
        elif fault == 2:
            person.former = [plain(make_roster.family(rng)).upper()]
            family = "%s (%s)" % (family, person.former[0])
        elif fault == 3:
            person.suffix = "JR"
            family += " JR"
        elif fault == 4:
            family += " DVM"
        elif fault == 5:
            family, given = family + " ", given + " "
        elif fault == 6:
            family = person.family = "LÓPEZ " + person.family
        cells = (number, given, family, "AVON", "CT", "O6OO1-26%d5" % (i % 9),
                 "", "ACTIVE", reason, us(began), us(until), "")
        if fault == 7:
            out.add(("",) + cells[1:], "rejected", "FIELD_MISSING",
                    "LICENSE NO.")
        elif fault == 8:
            out.add(cells[:8] + ("UNHEARD OF",) + cells[9:], "rejected",
                    "STATUS_UNMAPPED", "STATUS")
        elif fault == 9:
            out.add(cells[:10] + ("02/31/2026", ""), "rejected",
                    "DATE_INVALID", "EXPIRATION DATE")
        elif fault == 10:
            out.add(cells[:11], "rejected", "WRONG_FIELD_COUNT", "")
        else:
            out.add(cells, record=record(
                person, number, issued, until, "ACTIVE", reason,
                restriction=restriction, good=good))
    return out, True


# ---- Delaware ---------------------------------------------------------------

DE_STATUSES = (("Active", "ACTIVE", NEVER, "NONE"),
               ("Expired", "EXPIRED", NEVER, "NONE"),
               ("Deceased", "INACTIVE", "REASON_DECEASED", "NONE"),
               ("Inactive", "INACTIVE", NEVER, "NONE"),
               ("Closed", "INACTIVE", "REASON_CLOSED", "NONE"),
               ("Revoked", "REVOKED", NEVER, "NONE"),
               ("Suspended", "ACTIVE", NEVER, "SUSPENDED"))


def delaware(rng, rows):
    out = Maker(rng, "de_vet", (
        "last_name", "first_name", "combined_name", "license_no", "City",
        "issue_date", "expiration_date", "license_status", "Count"), ",",
        quoted=True)
    late = []
    for i in range(rows):
        person, number = Person(rng, upper=True), "N1-%07d" % (100 + i)
        person.family, person.given = plain(person.family), plain(person.given)
        issued, until = dates(rng)
        status, standing, inactive, restriction = \
            DE_STATUSES[i % len(DE_STATUSES)]
        if status == "Deceased":
            until = datetime.date(2031, 7, 31)
        family, began = person.family, issued
        fault = i % 17
        if fault == 1:
            issued, began = None, datetime.date(1900, 1, 1)
        elif fault == 2:
            family += ", VMD"
        cells = (family, given_and_initial(person), "", number,
                 'DOVER, "DE"', us(began), us(until), status, "1")
        expect = record(person, number, issued, until, status,
                        standing=standing, inactive=inactive,
                        restriction=restriction)
        if fault == 3:                      # a line that stands there twice
            out.add(cells, record=expect)
            late.append((cells, "folded", "", "", None))
        elif fault == 4:                    # two last days
            out.add(cells, "rejected", "FOLD_CONTRADICTORY", "license_no")
            late.append((cells[:6] + ("07/31/2033",) + cells[7:], "rejected",
                         "FOLD_CONTRADICTORY", "license_no", None))
        elif fault == 5:                    # two people on one number
            other = Person(rng, upper=True)
            other.family = plain(other.family) + "OTHER"
            other.given = plain(other.given)
            out.add(cells, record=expect)
            out.add((other.family, given_and_initial(other)) + cells[2:],
                    record=record(other, number, issued, until, status,
                                  standing=standing, inactive=inactive,
                                  restriction=restriction))
        else:
            out.add(cells, record=expect)
    for line in late:
        out.add(*line)
    return out, True


# ---- Washington -------------------------------------------------------------

def washington(rng, rows, name):
    """No numbers: nothing of it can be published."""
    out = Maker(rng, name, ("", "LastName", "FirstName", "MiddleName",
                            "BirthYear", "FirstIssueDate", "LastInitial"),
                ",", end="\r\n")
    for i in range(rows):
        person = Person(rng)
        issued, _ = dates(rng)
        out.add(('"%d"' % (i + 1), '"%s"' % plain(person.family).lower(),
                 '"%s"' % plain(person.given).lower(),
                 '"missing"' if i % 10 == 0 else '"rae"', "1987",
                 "00000000" if i % 13 == 0 else issued.strftime("%Y%m%d"),
                 '"s"'), "rejected", "FIELD_MISSING", "number")
    return out, True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--rows", type=int, default=420)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    rows = arguments.rows
    rng = random.Random(arguments.seed)
    for made, last_end in (
            alabama(rng, rows), colorado(rng, rows), connecticut(rng, rows),
            delaware(rng, rows),
            washington(rng, rows, "wa_doh_rn_license"),
            washington(rng, rows // 2, "wa_doh_rn_temp_permit")):
        made.write(arguments.out, last_end)


if __name__ == "__main__":
    main()
