/*
 * core/sandbox/server/admin_work.c - admin calls that touch a million rows: done piece by piece, so
 * that keep-alives, queries and mutations of others go on in between.
 *
 * Seed, purge and put stand in a queue; one is at work, a slice per turn of the loop, and its answer is
 * sent when it is done.  A dump is made as fast as its reader takes it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/sandbox/server/admin.h"

#define SLICE_US    8000 /* of one turn of the loop */
#define BREATH_US   2000 /* between two slices while others talk: an answer takes several turns */
#define STEP_US     4000 /* aimed at for one transaction */
#define ROWS_FIRST  64   /* of the first transaction; then what the time allows */
#define ROWS_MOST   20000
#define PIECE_BYTES ((size_t)128 << 10) /* of a dump */

struct work {
	struct work *next;
	struct sd_sbx_work *job; /* owned */
	uint64_t conn;           /* who waits for it; it may be gone */
	int64_t rows;
};

static void free_work(struct work *w)
{
	sd_sbx_work_free(w->job);
	free(w);
}

static enum sd_err slice(struct server *s, struct work *w, bool *done, struct sd_error *e)
{
	int64_t start = sd_mono_us(), at = start, took;
	enum sd_err rc = SD_OK;

	*done = false;
	while (rc == SD_OK && !*done && at - start < SLICE_US) {
		rc = sd_sbx_work_step(w->job, w->rows, sd_srv_now_ms(s), done, e);
		took = sd_mono_us() - at;
		at += took;
		if (took < STEP_US / 2 && w->rows < ROWS_MOST)
			w->rows *= 2;
		else if (took > STEP_US * 2 && w->rows > ROWS_FIRST / 8)
			w->rows /= 2;
	}
	return rc;
}

/* Outside of the connection's own callback. */
static void tell(struct server *s, uint64_t id, enum sd_err rc, const struct sd_error *e)
{
	struct conn *c = sd_srv_conn(s, id);

	if (!c || c->kill)
		return;
	c->busy = false;
	sd_srv_admin_answer(c, rc, e);
	if (!c->kill)
		sd_srv_touch(c);
}

static void turn(lws_sorted_usec_list_t *sul)
{
	struct server *s = lws_container_of(sul, struct server, work_sul);
	struct work *w = s->work;
	struct sd_error e = {0};
	enum sd_err rc;
	bool done;

	if (!w)
		return;
	rc = slice(s, w, &done, &e);
	if (rc != SD_OK || done) {
		s->work = w->next;
		tell(s, w->conn, rc, &e);
		free_work(w);
	}
	if (s->work)
		lws_sul_schedule(s->lws, 0, &s->work_sul, turn, s->talk ? BREATH_US : 1);
	s->talk = false;
}

enum sd_err sd_srv_work(struct call *k, struct sd_sbx_work *job, struct sd_error *e)
{
	struct server *s = k->c->s;
	struct work *w = calloc(1, sizeof *w), **end = &s->work;
	enum sd_err rc = SD_OK;
	bool done = false;

	if (!w) {
		sd_sbx_work_free(job);
		return sd_fail(e, SD_NOMEM, 0, "out of memory");
	}
	*w = (struct work){.job = job, .conn = k->c->id, .rows = ROWS_FIRST};
	if (!s->work) /* most are done at once */
		rc = slice(s, w, &done, e);
	if (rc != SD_OK || done) {
		free_work(w);
		return rc;
	}
	while (*end)
		end = &(*end)->next;
	*end = w;
	k->c->busy = k->later = true;
	lws_sul_schedule(s->lws, 0, &s->work_sul, turn, 1);
	return SD_OK;
}

void sd_srv_work_end(struct server *s, const char *why)
{
	struct sd_error e = {0};

	lws_sul_cancel(&s->work_sul);
	while (s->work) {
		struct work *w = s->work;
		s->work = w->next;
		if (why)
			tell(s, w->conn, sd_fail(&e, SD_REFUSED, 0, "%s", why), &e);
		free_work(w);
	}
}

/* ---- dump ---- */

struct sd_dump {
	char *model; /* owned */
	int64_t at;  /* as sd_sbx_dump_piece has it */
	bool chunked;
};

void sd_srv_dump_free(struct sd_dump *d)
{
	if (d)
		free(d->model);
	free(d);
}

/* The last chunk is the empty one. */
static void put_chunk(struct conn *c, const struct sd_buf *b)
{
	if (c->dump->chunked)
		sd_buf_fmt(&c->out, "%zx\r\n", b->len);
	sd_buf_add(&c->out, sd_buf_text(b), b->len);
	if (c->dump->chunked)
		sd_buf_str(&c->out, "\r\n");
}

static void end_dump(struct conn *c)
{
	if (c->dump->chunked)
		sd_buf_str(&c->out, "0\r\n\r\n");
	sd_srv_dump_free(c->dump);
	c->dump = NULL;
	c->busy = false;
	c->closing = c->closing || c->close_after;
}

void sd_srv_dump_more(struct conn *c)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_dump *d = c->dump;
	struct sd_error e = {0};

	if (sd_sbx_dump_piece(c->s->sbx, d->model, sd_srv_now_ms(c->s), PIECE_BYTES, &d->at, &b,
		    &e) == SD_OK) {
		put_chunk(c, &b);
		if (d->at < 0)
			end_dump(c);
	} else {
		sd_srv_kill(c, false); /* half an array must not look like a whole one */
	}
	sd_buf_release(&b);
}

/* The first piece is in k->out and there is more. */
static enum sd_err start_dump(struct call *k, const char *model, int64_t at, struct sd_error *e)
{
	struct conn *c = k->c;
	struct sd_hs_reply r = {.status = 200, .type = JSON_TYPE, .unsized = true};

	c->dump = calloc(1, sizeof *c->dump);
	if (c->dump)
		c->dump->model = strdup(model);
	if (!c->dump || !c->dump->model)
		return sd_fail(e, SD_NOMEM, 0, "out of memory");
	c->dump->at = at;
	c->dump->chunked = r.chunked = !c->http.http10;
	c->close_after = !c->http.keep_alive || c->http.http10;
	c->busy = k->later = true;
	r.close = c->close_after;
	sd_srv_reply_head(c, &r);
	put_chunk(c, &k->out);
	return SD_OK;
}

enum sd_err sd_srv_call_dump(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	struct sd_buf model = SD_BUF_INIT;
	int64_t at = 0;
	enum sd_err rc;

	rc = sd_srv_admin_model(
		k, sd_hs_param(&k->c->http, "model", true, &model) ? sd_buf_text(&model) : NULL, e);
	if (rc == SD_OK)
		rc = sd_sbx_dump_piece(s->sbx, sd_buf_text(&model), sd_srv_now_ms(s), PIECE_BYTES,
			&at, &k->out, e);
	if (rc == SD_OK && at >= 0)
		rc = start_dump(k, sd_buf_text(&model), at, e);
	sd_buf_release(&model);
	return rc;
}
