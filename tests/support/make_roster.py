#!/usr/bin/python3
"""Make a roster of invented people, as the plain CSV that `vouch publish` takes.

    make_roster.py --rows N --seed S [--types T1,T2,...] [--out FILE]

The same arguments give the same file. Names are put together from syllables;
nobody is meant. Numbers are unique. All statuses occur, as do graces, records
without an end, former names, suffixes, apostrophes, hyphens and accents.

The first rows are always the same, whatever N and S, so that tests and the
demo can ask about them. T1 and T2 are the first two of --types:

    number  family         born        what it is for
    10482   Garcia         1990-04-30  T1, in good standing: CONFIRMED, YES
    10483   Okafor         1985-11-02  T1 only: claim T2 for a MISMATCH, NO
    10484   Novak          1978-01-19  T1, ended on 2021-06-30: NOT_CURRENT, NO
    10485   Haddad         1975-09-08  T1, revoked: NOT_CURRENT, NO
    10486   O'Brien        1992-12-24  T1, suspended: NOT_CURRENT, NO
    10487   Nguyen         1988-03-15  T1 and T2 under one number: AMBIGUOUS,
                                       REVIEW, unless a type is claimed
    10488   Müller-Brandt  1969-07-01  T1, with conditions: CONFIRMED, REVIEW
    10489   Whitfield      1994-05-11  T1, formerly Sandoval
    10490   Takamori       1983        T1, without an end, the year of birth
                                       alone on file
"""

import argparse
import csv
import datetime
import random
import sys

COLUMNS = ("credential_type", "number", "holder_ref", "family", "given",
           "middle", "suffix", "former_family", "birth_date", "last4",
           "issued_on", "expires_on", "grace_until", "status",
           "status_reason", "effective_on")

HEAD = (
    {"number": "10482", "family": "Garcia", "given": "Ana", "middle": "M",
     "birth_date": "1990-04-30", "expires_on": "2098-12-31",
     "status": "ACTIVE"},
    {"number": "10483", "family": "Okafor", "given": "Ngozi",
     "birth_date": "1985-11-02", "expires_on": "2098-12-31",
     "status": "ACTIVE"},
    {"number": "10484", "family": "Novak", "given": "Petra",
     "birth_date": "1978-01-19", "expires_on": "2021-06-30",
     "status": "ACTIVE"},
    {"number": "10485", "family": "Haddad", "given": "Samir",
     "birth_date": "1975-09-08", "expires_on": "2098-12-31",
     "status": "REVOKED", "status_reason": "disciplinary order"},
    {"number": "10486", "family": "O'Brien", "given": "Sean",
     "birth_date": "1992-12-24", "expires_on": "2098-12-31",
     "status": "SUSPENDED"},
    {"number": "10487", "holder_ref": "H-10487", "family": "Nguyen",
     "given": "Linh", "birth_date": "1988-03-15",
     "expires_on": "2098-12-31", "status": "ACTIVE"},
    {"number": "10487", "holder_ref": "H-10487", "family": "Nguyen",
     "given": "Linh", "birth_date": "1988-03-15", "type": 1,
     "expires_on": "2098-12-31", "status": "ACTIVE"},
    {"number": "10488", "family": "Müller-Brandt", "given": "Jörg",
     "birth_date": "1969-07-01", "expires_on": "2098-12-31",
     "status": "CONDITIONS"},
    {"number": "10489", "family": "Whitfield", "given": "Dana",
     "former_family": "Sandoval", "birth_date": "1994-05-11",
     "expires_on": "2098-12-31", "status": "ACTIVE"},
    {"number": "10490", "family": "Takamori", "given": "Keiko",
     "birth_date": "1983", "status": "ACTIVE"},
)
HEAD_ISSUED_ON = "2019-02-04"

# The dates of the rest are counted from here, not from today.
EPOCH = datetime.date(2026, 1, 1)

STARTS = ("Bal", "Cor", "Dam", "Fen", "Gor", "Hul", "Jev", "Kol", "Lar",
          "Mor", "Nad", "Pel", "Quin", "Ras", "Sol", "Tam", "Ul", "Var",
          "Wes", "Yal", "Zim", "Ber", "Cal", "Dor", "Ell", "Har")
MIDDLES = ("a", "e", "i", "o", "u", "an", "en", "in", "or", "al", "ar", "el",
           "ova", "ista", "ando", "ere", "ibo", "una", "ola", "emi")
ENDS = ("berg", "dale", "dez", "field", "ford", "ham", "kov", "land", "ler",
        "man", "mond", "nell", "quist", "rez", "sen", "ski", "son", "ston",
        "ton", "vick", "wick", "worth")
GIVEN_STARTS = ("A", "Be", "Ca", "Da", "E", "Fe", "Gi", "Ha", "I", "Jo",
                "Ka", "Le", "Ma", "Ni", "O", "Pa", "Ro", "Sa", "Te", "Vi")
GIVEN_ENDS = ("bela", "dina", "lena", "lan", "mir", "nora", "ra", "rek",
              "rin", "sha", "tian", "than", "tia", "vid", "von", "yah")
ACCENTED = {"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ü"}
SUFFIXES = ("Jr", "Sr", "II", "III", "IV")

# How often each occurs, in a thousand.
STATUSES = (("ACTIVE", 820), ("INACTIVE", 50), ("EXPIRED", 40),
            ("PROVISIONAL", 20), ("PENDING", 10), ("REVOKED", 12),
            ("SURRENDERED", 10), ("SUSPENDED", 12), ("CONDITIONS", 10),
            ("DENIED", 4), ("ISSUED_IN_ERROR", 4), ("NOT_LISTED", 4),
            ("UNKNOWN", 4))
REASONS = ("LAPSED", "RETIRED", "DECEASED", "CLOSED", "SUPERSEDED", "")


def family(rng):
    name = rng.choice(STARTS) + rng.choice(MIDDLES) + rng.choice(ENDS)
    lot = rng.randrange(100)
    if lot < 3:
        name = "O'" + name
    elif lot < 6:
        name += "-" + rng.choice(STARTS) + rng.choice(MIDDLES) + \
            rng.choice(ENDS)
    elif lot < 10:
        vowel = rng.choice(sorted(ACCENTED))
        name = name[0] + name[1:].replace(vowel, ACCENTED[vowel], 1)
    return name


def status(rng):
    lot = rng.randrange(sum(share for _, share in STATUSES))
    for word, share in STATUSES:
        if lot < share:
            return word
        lot -= share
    raise AssertionError("the shares do not cover the lot")


def dates(rng, row):
    issued = EPOCH - datetime.timedelta(days=rng.randrange(30, 365 * 20))
    row["issued_on"] = issued.isoformat()
    born = issued - datetime.timedelta(days=rng.randrange(365 * 19, 365 * 45))
    row["birth_date"] = born.isoformat()
    if rng.randrange(100) < 5:
        row["birth_date"] = str(born.year)
    if rng.randrange(100) < 5:
        return
    until = issued.replace(day=1)
    while until <= EPOCH + datetime.timedelta(days=400):
        until = until.replace(year=until.year + 3)
    if row["status"] == "EXPIRED" or rng.randrange(100) < 6:
        until = until.replace(year=until.year - 6)
        until = max(until, issued)
    row["expires_on"] = until.isoformat()
    if rng.randrange(100) < 8:
        row["grace_until"] = (until + datetime.timedelta(days=60)).isoformat()


def person(rng, number, types):
    row = {"credential_type": rng.choice(types), "number": str(number),
           "family": family(rng),
           "given": rng.choice(GIVEN_STARTS) + rng.choice(GIVEN_ENDS),
           "status": status(rng)}
    dates(rng, row)
    if rng.randrange(100) < 30:
        row["middle"] = rng.choice("ABCDEFGHJKLMNPRSTVW")
    if rng.randrange(100) < 3:
        row["suffix"] = rng.choice(SUFFIXES)
    if rng.randrange(100) < 6:
        row["former_family"] = family(rng)
    if rng.randrange(100) < 20:
        row["last4"] = "%04d" % rng.randrange(10000)
    if rng.randrange(100) < 10:
        row["holder_ref"] = "H-%d" % number
    if row["status"] == "INACTIVE":
        row["status_reason"] = rng.choice(REASONS)
    return row


def rows(count, seed, types):
    """Yield ${count} rows; the head first, and whole only if it fits."""
    for row in HEAD[:count]:
        row = dict(row, issued_on=HEAD_ISSUED_ON)
        row["credential_type"] = types[row.pop("type", 0)]
        yield row
    rng = random.Random(seed)
    number = 2000000
    for _ in range(count - len(HEAD)):
        number += rng.randrange(1, 50)
        yield person(rng, number, types)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--types", default="ascp-pbt,ascp-mlt,ascp-mls")
    parser.add_argument("--out", default="-")
    args = parser.parse_args()
    types = args.types.split(",")
    if len(types) < 2 or args.rows < 0:
        parser.error("at least two types are needed, and no negative rows")
    out = sys.stdout if args.out == "-" else \
        open(args.out, "w", encoding="utf-8", newline="")
    with out:
        writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(args.rows, args.seed, types))


if __name__ == "__main__":
    main()
