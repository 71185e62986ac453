/* core/sandbox/server/pool.c - the user pool as a part of the server; see pool.h. */
#include "core/sandbox/server/pool.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"

const char *sd_srv_pool_id(void)
{
	return POOL_ID;
}

const char *sd_srv_pool_client_id(void)
{
	return CLIENT_ID;
}

/* The key is kept where the TLS files are, so that tokens outlive a restart. */
static enum sd_err open_signer(struct server *s, struct pool *p, struct sd_error *e)
{
	char *file = NULL;
	enum sd_err rc = SD_OK;

	if (s->o->state_dir) {
		rc = sd_mkdir_p(s->o->state_dir, e);
		file = sd_path_join(s->o->state_dir, "pool-key.pem");
		if (rc == SD_OK && !file)
			rc = sd_fail(e, SD_NOMEM, 0, "user pool: out of memory");
	}
	if (rc == SD_OK)
		rc = sd_signer_open(file, &p->signer, e);
	free(file);
	return rc;
}

enum sd_err sd_srv_pool_open(struct server *s, struct sd_error *e)
{
	struct pool *p = calloc(1, sizeof *p);
	enum sd_err rc;

	if (!p)
		return sd_fail(e, SD_NOMEM, 0, "user pool: out of memory");
	rc = sd_srv_users_read(s->o->users, &p->users, &p->count, e);
	if (rc == SD_OK)
		rc = open_signer(s, p, e);
	if (rc != SD_OK) {
		sd_srv_pool_close(p);
		return rc;
	}
	s->pool = p;
	return sd_srv_pool_restore(s, e);
}

void sd_srv_pool_close(struct pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		free(p->pending[i].key);
		sd_srp_free(p->pending[i].srp);
	}
	sd_srv_users_free(p->users, p->count);
	sd_signer_free(p->signer);
	sd_map_release(&p->revoked, NULL);
	free(p);
}

void sd_srv_pool_jwks(struct conn *c)
{
	struct sd_buf b = SD_BUF_INIT;

	if (sd_signer_jwks(c->s->pool->signer, &b, NULL) == SD_OK)
		sd_srv_reply_json(c, 200, sd_buf_text(&b), b.len);
	else
		sd_srv_reply_error(
			c, 500, "InternalErrorException", "The key set cannot be given.");
	sd_buf_release(&b);
}
