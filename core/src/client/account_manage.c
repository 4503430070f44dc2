/*
 * What is done to an account that there is (RFC 8555 7.3.2, 7.3.6): another contact, its end, a
 * look at what is stored of it. It must not know how an account is made.
 */
#include "client/account_manage.h"

#include "client/account_record.h"
#include "client/job.h"
#include "client/keys.h"
#include "client/machine.h"
#include "client/request.h"
#include "client/state.h"

#if defined(CONFIG_ACME_ACCOUNT_MANAGEMENT)
int32_t acme_enter_account_update(struct acme_client *c)
{
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"contact\":[");
    if (c->config.contact != NULL) {
        acme_buf_add_form(&payload, "\"@\"", c->config.contact);
    }
    acme_buf_add(&payload, "]}");
    return acme_request_post(c, c->account_url, &payload, ACME_SIGNER_ACCOUNT);
}

int32_t acme_reply_account_update(struct acme_client *c)
{
    return acme_machine_end(c, ACME_OK);
}

int32_t acme_enter_account_deactivate(struct acme_client *c)
{
    struct acme_buf payload;

    acme_request_payload(c, &payload);
    acme_buf_add(&payload, "{\"status\":\"deactivated\"}");
    return acme_request_post(c, c->account_url, &payload, ACME_SIGNER_ACCOUNT);
}

/* A key of the client's that the firmware's has taken the place of may have an account: it stays.
 */
int32_t acme_reply_account_deactivate(struct acme_client *c)
{
    int32_t rc = acme_keys_is_external(c)
                     ? acme_store_remove(&c->log, ACME_SPACE_ACCOUNT, c->account.slot)
                     : acme_account_remove(c, c->account.slot);

    c->account.exists = false;
    c->account_url[0] = '\0';
    return rc == ACME_OK ? acme_machine_end(c, ACME_OK) : rc;
}

/* An earlier run may have been cut after the CA had been told (RFC 8555 7.3.6): a look-up of the
 * account tells. */
int32_t acme_problem_account_deactivate(struct acme_client *c, int32_t error)
{
    return !c->account.retried && acme_problem_is(&c->problem, "unauthorized")
               ? ACME_ERR_ACCOUNT_NONE
               : error;
}

int32_t acme_account_update(acme_client *c)
{
    return acme_job_begin(c, ACME_JOB_ACCOUNT_UPDATE, ACME_STATE_ACCOUNT_UPDATE);
}

int32_t acme_account_deactivate(acme_client *c)
{
    return acme_job_begin(c, ACME_JOB_ACCOUNT_DEACTIVATE, ACME_STATE_ACCOUNT_DEACTIVATE);
}

int32_t acme_account_recover(acme_client *c)
{
    int32_t rc = acme_job_begin(c, ACME_JOB_ACCOUNT_RECOVER, ACME_STATE_DONE);

    if (rc == ACME_OK) {
        c->account.exists = false;
    }
    return rc;
}
#else
int32_t acme_account_recover(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}

int32_t acme_account_update(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}

int32_t acme_account_deactivate(acme_client *c)
{
    (void)c;
    return ACME_ERR_UNSUPPORTED;
}
#endif
