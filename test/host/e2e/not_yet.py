"""Tests that are right and fail, with the cause in core/: a test whose cause is mended passes, and then
fails until its line here is gone. It must not grow: a new test is either right or mended at once."""
import os

import pytest

CAUSES = {
    "A nonce over CONFIG_ACME_NONCE_MAX is dropped, and the error is another one (net/http.c take of Replay-Nonce)": [
        "test_ca_answers.py::test_a_nonce_over_the_limit",
        "test_cas_board.py::test_a_first_boot[google]",
    ],
    "newOrder is only taken with 201 (client/order.c acme_reply_new_order)": [
        "test_ca_answers.py::test_goes_on[order-200]",
        "test_ca_profiles.py::test_a_bad_nonce[digicert]",
        "test_ca_profiles.py::test_a_page_of_its_front[digicert-certificate]",
        "test_ca_profiles.py::test_a_page_of_its_front[digicert-finalize]",
        "test_ca_profiles.py::test_a_page_of_its_front[digicert-order]",
        "test_ca_profiles.py::test_a_page_of_its_front[digicert-orders]",
        "test_ca_profiles.py::test_a_renewal[digicert]",
        "test_ca_profiles.py::test_a_revocation[digicert]",
        "test_ca_profiles.py::test_first_certificate[digicert]",
        "test_ca_profiles.py::test_no_binding[digicert]",
        "test_ca_profiles.py::test_several_names[digicert]",
        "test_cas_board.py::test_a_first_boot[digicert]",
    ],
    "authorizations, identifiers and finalize are demanded in every state (client/order.c take_order, take_authorizations)": [
        "test_ca_answers.py::test_goes_on[authorizations-absent-processing]",
        "test_ca_answers.py::test_goes_on[authorizations-absent-ready]",
        "test_ca_answers.py::test_goes_on[authorizations-absent-valid]",
        "test_ca_answers.py::test_goes_on[authorizations-empty-processing]",
        "test_ca_answers.py::test_goes_on[authorizations-empty-ready]",
        "test_ca_answers.py::test_goes_on[authorizations-empty-valid]",
        "test_ca_answers.py::test_goes_on[authorizations-null-processing]",
        "test_ca_answers.py::test_goes_on[authorizations-null-ready]",
        "test_ca_answers.py::test_goes_on[authorizations-null-valid]",
        "test_ca_profiles.py::test_a_bad_nonce[harica]",
        "test_ca_profiles.py::test_a_bad_nonce[telia]",
        "test_ca_profiles.py::test_a_page_of_its_front[harica-certificate]",
        "test_ca_profiles.py::test_a_page_of_its_front[harica-finalize]",
        "test_ca_profiles.py::test_a_page_of_its_front[harica-order]",
        "test_ca_profiles.py::test_a_page_of_its_front[harica-orders]",
        "test_ca_profiles.py::test_a_page_of_its_front[telia-certificate]",
        "test_ca_profiles.py::test_a_page_of_its_front[telia-finalize]",
        "test_ca_profiles.py::test_a_page_of_its_front[telia-order]",
        "test_ca_profiles.py::test_a_page_of_its_front[telia-orders]",
        "test_ca_profiles.py::test_a_renewal[harica]",
        "test_ca_profiles.py::test_a_renewal[telia]",
        "test_ca_profiles.py::test_a_revocation[harica]",
        "test_ca_profiles.py::test_a_revocation[telia]",
        "test_ca_profiles.py::test_first_certificate[harica]",
        "test_ca_profiles.py::test_first_certificate[telia]",
        "test_ca_profiles.py::test_no_binding[harica]",
        "test_ca_profiles.py::test_no_binding[telia]",
        "test_ca_profiles.py::test_several_names[harica]",
        "test_ca_profiles.py::test_several_names[telia]",
        "test_cas_board.py::test_a_first_boot[harica]",
        "test_cas_board.py::test_a_first_boot[telia]",
    ],
    "finalize is only taken with a whole order as JSON (client/order.c take_order, client/request.c acme_reply_json)": [
        "test_ca_answers.py::test_goes_on[finalize-says-nothing]",
        "test_ca_answers.py::test_goes_on[finalize-says-processing-only]",
    ],
    "valid is only taken with a certificate (client/order.c take_order)": [
        "test_ca_answers.py::test_goes_on[certificate-a-poll-later]",
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
    "the authorization of a wildcard is only taken with the flag, and without the star (client/authorization.c find_name)": [
        "test_ca_answers.py::test_the_authorization_of_a_wildcard[flag-missing]",
        "test_ca_answers.py::test_the_authorization_of_a_wildcard[star-and-flag]",
        "test_ca_answers.py::test_the_authorization_of_a_wildcard[star-in-the-value]",
    ],
    "one 404 drops an order, a certificate or an authorization (client/client.c on_problem)": [
        "test_ca_answers.py::test_goes_on[authorization-404-once]",
        "test_ca_answers.py::test_goes_on[certificate-404-once]",
        "test_ca_answers.py::test_goes_on[order-404-once]",
        "test_ca_profiles.py::test_a_replica_lags[buypass-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[buypass-orders]",
        "test_ca_profiles.py::test_a_replica_lags[digicert-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[digicert-orders]",
        "test_ca_profiles.py::test_a_replica_lags[google-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[google-orders]",
        "test_ca_profiles.py::test_a_replica_lags[harica-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[harica-orders]",
        "test_ca_profiles.py::test_a_replica_lags[lets-encrypt-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[lets-encrypt-orders]",
        "test_ca_profiles.py::test_a_replica_lags[sectigo-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[sectigo-orders]",
        "test_ca_profiles.py::test_a_replica_lags[ssl.com-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[ssl.com-orders]",
        "test_ca_profiles.py::test_a_replica_lags[telia-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[telia-orders]",
        "test_ca_profiles.py::test_a_replica_lags[zerossl-certificate]",
        "test_ca_profiles.py::test_a_replica_lags[zerossl-orders]",
    ],
    "an optional URL that is empty or odd is an error (client/account.c take_urls, acme_pool_add_url)": [
        "test_ca_answers.py::test_goes_on[directory-no-new-authz]",
        "test_ca_answers.py::test_goes_on[directory-no-renewal-info]",
        "test_ca_answers.py::test_goes_on[terms-not-ascii]",
        "test_ca_answers.py::test_goes_on[terms-with-space]",
    ],
    "an authorization is parsed whole (client/request.c on_body, json/json.c)": [
        "test_ca_answers.py::test_goes_on[authorization-of-64-KB]",
        "test_cas_board.py::test_an_authorization_of_64_KB",
    ],
    "an authorization that is processing counts as failed (client/authorization.c acme_reply_authorization)": [
        "test_ca_answers.py::test_goes_on[authorization-processing]",
    ],
    "a pause of nothing is taken as it stands (client/request.c, client/order.c wait_for_order)": [
        "test_ca_answers.py::test_a_pause_of_nothing[past]",
        "test_ca_answers.py::test_a_pause_of_nothing[zero]",
    ],
    "a pause is cut to 300 s (client/client.c settle_time, order.c wait_for_order)": [
        "test_ca_answers.py::test_a_pause_of_days[a-day]",
        "test_ca_answers.py::test_a_pause_of_days[three-days]",
    ],
    "a binding's key is only read as base64url without padding, in another form it counts as none (client/account.c ensure, crypto/jws.c)": [
        "test_ca_answers.py::test_a_binding_key_coded_twice",
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
        "test_hostile_ca.py::test_misbehaviour[a-key]",
        "test_hostile_ca.py::test_misbehaviour[a-link-is-missing]",
        "test_hostile_ca.py::test_misbehaviour[a-name-too-many]",
        "test_hostile_ca.py::test_misbehaviour[another-key]",
        "test_hostile_ca.py::test_misbehaviour[another-name]",
        "test_hostile_ca.py::test_misbehaviour[base64-of-nothing]",
        "test_hostile_ca.py::test_misbehaviour[certificate-URL-elsewhere]",
        "test_hostile_ca.py::test_misbehaviour[certificate-as-JSON]",
        "test_hostile_ca.py::test_misbehaviour[cut-short]",
        "test_hostile_ca.py::test_misbehaviour[expired]",
        "test_hostile_ca.py::test_misbehaviour[garbage]",
        "test_hostile_ca.py::test_misbehaviour[no-certificate]",
        "test_hostile_ca.py::test_misbehaviour[not-by-its-issuer]",
        "test_hostile_ca.py::test_misbehaviour[of-the-future]",
        "test_hostile_ca.py::test_misbehaviour[too-large]",
        "test_hostile_ca.py::test_misbehaviour[too-many-links]",
        "test_hostile_ca.py::test_misbehaviour[wrong-order]",
        "test_hostile_ca.py::test_what_holds_always[a-thousand-other-chains]",
        "test_hostile_ca.py::test_what_holds_always[yesterday's-certificate]",
    ],
}
REASONS = {name: cause for cause, names in CAUSES.items() for name in names}


def mark(items):
    for item in items:
        name = f"{os.path.basename(item.fspath)}::{item.name}"
        if name in REASONS:
            item.add_marker(pytest.mark.xfail(strict=True, reason=REASONS[name]))
