"""Tests that are right and fail, with the cause in core/: a test whose cause is mended passes, and then
fails until its line here is gone. It must not grow: a new test is either right or mended at once."""
import os

import pytest

CAUSES = {
    "an order's Location on another host is stored and never given up: each later job fails (client/order.c acme_reply_new_order: the policy is to be asked before the record is written; acme_enter_order: a URL that the policy refuses can never be had)": [
        "test_hostile_ca.py::test_misbehaviour[order-location-elsewhere]",
        "test_hostile_ca.py::test_what_holds_always[an-injected-line]",
    ],
    "A nonce over CONFIG_ACME_NONCE_MAX is dropped, and the error is another one (net/http.c take of Replay-Nonce)": [
        "test_ca_answers.py::test_a_nonce_over_the_limit",
    ],
    "an order's error is only taken as an object (client/order.c, read of error)": [
        "test_ca_answers.py::test_an_error_that_is_a_text[finalize]",
        "test_ca_answers.py::test_an_error_that_is_a_text[order]",
        "test_ca_answers.py::test_an_error_that_is_a_text[orders]",
    ],
    "names that the CA added drop the order, and there is no option to take them (crypto/cert.c check_names, client/order.c must_wait)": [
        "test_ca_answers.py::test_names_that_the_ca_adds",
        "test_ca_answers.py::test_names_that_the_ca_may_add",
        "test_ca_profiles.py::test_a_bad_nonce[actalis]",
        "test_ca_profiles.py::test_a_page_of_its_front[actalis-certificate]",
        "test_ca_profiles.py::test_a_page_of_its_front[actalis-finalize]",
        "test_ca_profiles.py::test_a_page_of_its_front[actalis-order]",
        "test_ca_profiles.py::test_a_page_of_its_front[actalis-orders]",
        "test_ca_profiles.py::test_a_renewal[actalis]",
        "test_ca_profiles.py::test_a_replica_lags[actalis-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[actalis-orders]",
        "test_ca_profiles.py::test_a_revocation[actalis]",
        "test_ca_profiles.py::test_an_account_in_doubt[actalis]",
        "test_ca_profiles.py::test_first_certificate[actalis]",
        "test_ca_profiles.py::test_no_binding[actalis]",
        "test_ca_profiles.py::test_several_names[actalis]",
        "test_ca_profiles.py::test_the_accounts_answer_is_lost[actalis]",
        "test_ca_profiles.py::test_too_many_orders[actalis]",
    ],
    "a leaf of the near future is refused, and the order dropped (crypto/cert.c check_leaf, client/order.c)": [
        "test_ca_answers.py::test_a_clock_ahead",
    ],
    "nothing bounds the renewals of certificates that are due at birth (client/schedule.c)": [
        "test_ca_answers.py::test_certificates_that_do_not_last[twenty-seconds]",
    ],
    "x": [
    ],
    "a pause of nothing is taken as it stands (client/request.c, client/order.c wait_for_order)": [
        "test_ca_answers.py::test_a_pause_of_nothing[past]",
        "test_ca_answers.py::test_a_pause_of_nothing[zero]",
    ],
    "a pause is cut to 300 s (client/client.c settle_time, order.c wait_for_order)": [
        "test_ca_answers.py::test_a_pause_of_days[a-day]",
        "test_ca_answers.py::test_a_pause_of_days[three-days]",
    ],
    "notBefore and notAfter cannot be asked for (client/order.c acme_enter_new_order); options --not-before and --not-after": [
        "test_ca_answers.py::test_a_wish_for_dates[--not-after-notAfter]",
        "test_ca_answers.py::test_a_wish_for_dates[--not-before-notBefore]",
    ],
    "finalize answered 429 ends the job (client/client.c on_problem)": [
        "test_ca_answers.py::test_goes_on[finalize-429-early]",
    ],
    "what the CA saw is not shown where the authorization stays pending until the polls are used up (client/authorization.c wait_for_verdict, authorization_failed)": [
        "test_servers.py::test_a_name_that_leads_nowhere[caddy]",
        "test_servers.py::test_a_name_that_leads_nowhere[step-ca]",
    ],
    "a failure after finalize drops the order and makes another (client/client.c on_error, client/order.c)": [
        "test_hostile_ca.py::test_misbehaviour[a-name-too-many]",
        "test_hostile_ca.py::test_misbehaviour[expired]",
        "test_hostile_ca.py::test_misbehaviour[of-the-future]",
        "test_hostile_ca.py::test_misbehaviour[wrong-order]",
    ],
}
REASONS = {name: cause for cause, names in CAUSES.items() for name in names}


def mark(items):
    for item in items:
        name = f"{os.path.basename(item.fspath)}::{item.name}"
        if name in REASONS:
            item.add_marker(pytest.mark.xfail(strict=True, reason=REASONS[name]))
