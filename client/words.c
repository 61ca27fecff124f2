#include "client/words.h"

/* Shown for what a newer server says. */
static const char newer[] = "something that this client does not know yet";

const char *
words_verdict(Vouch__V1__Verdict verdict)
{
    switch (verdict) {
    case VOUCH__V1__VERDICT__VERDICT_UNKNOWN_ISSUER:
        return ("this association is not covered here");
    case VOUCH__V1__VERDICT__VERDICT_NO_MATCH:
        return ("no record matches number and person together; "
            "this does not mean that the person is not certified");
    case VOUCH__V1__VERDICT__VERDICT_AMBIGUOUS:
        return ("more than one credential matches");
    case VOUCH__V1__VERDICT__VERDICT_MISMATCH:
        return ("the right person, but another claimed fact is wrong");
    case VOUCH__V1__VERDICT__VERDICT_NOT_CURRENT:
        return ("the right person and credential, not known to be in force "
            "that day");
    case VOUCH__V1__VERDICT__VERDICT_CONFIRMED:
        return ("all that was claimed is so");
    default:
        return (newer);
    }
}

const char *
words_reason(Vouch__V1__Reason reason)
{
    switch (reason) {
    case VOUCH__V1__REASON__REASON_IN_GOOD_STANDING:
        return ("in good standing, recognized, and the record is fresh");
    case VOUCH__V1__REASON__REASON_UNKNOWN_ISSUER:
        return ("the association is not covered here");
    case VOUCH__V1__REASON__REASON_NO_MATCH:
        return ("number and person do not match any record together");
    case VOUCH__V1__REASON__REASON_AMBIGUOUS:
        return ("more than one credential matches: name the type");
    case VOUCH__V1__REASON__REASON_FIELD_MISMATCH:
        return ("a claimed fact is wrong: see what was compared");
    case VOUCH__V1__REASON__REASON_STANDING:
        return ("the issuer's word is that it does not stand");
    case VOUCH__V1__REASON__REASON_OUT_OF_PERIOD:
        return ("the day lies outside a validity period");
    case VOUCH__V1__REASON__REASON_BEFORE_ISSUE:
        return ("the day is before the credential was issued");
    case VOUCH__V1__REASON__REASON_SUSPENDED:
        return ("the credential is suspended");
    case VOUCH__V1__REASON__REASON_STANDING_UNKNOWN:
        return ("the issuer said nothing for that day that is understood");
    case VOUCH__V1__REASON__REASON_NOT_LISTED:
        return ("the issuer no longer lists it, and did not say why");
    case VOUCH__V1__REASON__REASON_NOT_RECOGNIZED:
        return ("nobody whom you accept recognizes it on that day");
    case VOUCH__V1__REASON__REASON_RECOGNITION_UNKNOWN:
        return ("a recognition is on file, but unverified or not known for "
            "that day");
    case VOUCH__V1__REASON__REASON_STALE:
        return ("the association's last word is older than it promised");
    case VOUCH__V1__REASON__REASON_NEVER_PUBLISHED:
        return ("the association has published nothing here yet");
    case VOUCH__V1__REASON__REASON_CONDITIONS:
        return ("conditions limit the holder's practice");
    case VOUCH__V1__REASON__REASON_UNDER_INVESTIGATION:
        return ("an investigation is open");
    case VOUCH__V1__REASON__REASON_DISPUTED:
        return ("the holder disputes the record");
    case VOUCH__V1__REASON__REASON_PROJECTION:
        return ("the day is in the future: a projection of what is known now");
    default:
        return (newer);
    }
}

const char *
words_cause(Vouch__V1__InnocentCause cause)
{
    switch (cause) {
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_NUMBER_MISTYPED:
        return ("the number was typed or copied wrong");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_NAME_DIFFERS:
        return ("the person's name changed, or is written another way");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_FACTOR_DIFFERS:
        return ("a date or digits differ from the association's file");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_FACTOR_NOT_ON_FILE:
        return ("the association's file does not hold the fact that is asked "
            "for");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_NOT_PUBLISHED_YET:
        return ("the credential is new and not published yet");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_OTHER_ISSUER:
        return ("another association granted it");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_SEVERAL_RECORDS:
        return ("the claim names no credential type, or several records "
            "share it");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_PUBLICATION_LATE:
        return ("the association's publication is late");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_RENEWAL_UNDER_WAY:
        return ("a renewal or reinstatement is under way");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_UNDECIDED:
        return ("the matter is open, and decided by nobody");
    case VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_CATALOG_INCOMPLETE:
        return ("the catalog is not complete");
    default:
        return (newer);
    }
}

const char *
words_not_established(Vouch__V1__NotEstablished what)
{
    switch (what) {
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_IDENTITY:
        return ("That the person who presents the credential is its holder.");
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_CLIA_EDUCATION:
        return ("That the education is there which CLIA asks of testing "
            "personnel (42 CFR 493, subpart M): only the laboratory "
            "director's own file shows it.");
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_STATE_REQUIREMENT:
        return ("That what a state requires for the job is met.");
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_LATER_CHANGE:
        return ("What became of the credential after this answer.");
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_OTHER_SOURCES:
        return ("What other issuers, boards or courts have on file.");
    case VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_ABSENCE:
        return ("That the person is not certified.");
    default:
        return ("Something that this client does not know yet");
    }
}
