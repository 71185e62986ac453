/*
 * core/sandbox/server/realtime_life.c - what ends on a socket by time: subscriptions whose token
 * expires (`--set expire_subscriptions=true`, server.md 5.7), too many starts at once
 * (`--set subscribe_rate=N`, server.md 4 and 5.5), and the connection itself by the sandbox's clock.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

struct token_life { /* a subscription and the end of the token it was started with */
	struct token_life *next;
	int64_t exp_ms; /* the sandbox's clock */
	char id[];
};

void sd_srv_life_add(struct conn *c, const char *id, const struct cJSON *claims)
{
	size_t n = strlen(id) + 1;
	struct token_life *t;
	double exp;

	if (!c->s->set.expire_subscriptions || !sd_json_f64(sd_json_get(claims, "exp"), &exp))
		return;
	t = malloc(sizeof *t + n);
	if (!t)
		return;
	memcpy(t->id, id, n);
	t->exp_ms = (int64_t)(exp * 1000);
	t->next = c->rt.lives;
	c->rt.lives = t;
	sd_srv_set_timer(c);
}

void sd_srv_life_drop(struct conn *c, const char *id)
{
	for (struct token_life **at = &c->rt.lives; *at; at = &(*at)->next)
		if (strcmp((*at)->id, id) == 0) {
			struct token_life *t = *at;
			*at = t->next;
			free(t);
			return;
		}
}

void sd_srv_life_free(struct conn *c)
{
	while (c->rt.lives)
		sd_srv_life_drop(c, c->rt.lives->id);
}

int64_t sd_srv_life_deadline(const struct conn *c)
{
	int64_t first = INT64_MAX, now = sd_srv_now_ms(c->s);

	for (const struct token_life *t = c->rt.lives; t; t = t->next)
		if (t->exp_ms < first)
			first = t->exp_ms;
	return first == INT64_MAX ? first
	       : first <= now     ? sd_mono_ms()
				  : sd_mono_ms() + (first - now);
}

void sd_srv_life_due(struct conn *c, int64_t now_ms)
{
	struct token_life **at = &c->rt.lives;

	while (*at) {
		struct token_life *t = *at;
		if (t->exp_ms > now_ms) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		if (sd_sbx_unsubscribe(c->s->sbx, c->id, t->id))
			sd_srv_send_error(c, "error", t->id, "UnauthorizedException",
				"Token has expired.", 401);
		free(t);
	}
}

void sd_srv_life_expire_all(struct server *s)
{
	for (size_t i = 0; i < s->conn_room; i++)
		if (s->conns[i] && s->conns[i]->ws && s->conns[i]->rt.lives)
			sd_srv_life_due(s->conns[i], INT64_MAX);
}

void sd_srv_life_clock(struct server *s, int64_t moved_ms)
{
	for (size_t i = 0; i < s->conn_room; i++) {
		struct conn *c = s->conns[i];
		if (!c || !c->ws || c->rt.failure || sd_wss_closing(c->ws))
			continue;
		c->rt.end_by -= moved_ms;
		if (c->rt.end_by < 1)
			c->rt.end_by = 1;
		sd_srv_set_timer(c);
	}
}

/* A bucket that fills with N starts a second and holds N. */
bool sd_srv_may_start(struct conn *c)
{
	int rate = c->s->set.subscribe_rate;
	int64_t now = sd_mono_ms(), full = (int64_t)rate * 1000;

	if (!rate)
		return true;
	c->rt.bucket += c->rt.bucket_at ? (now - c->rt.bucket_at) * rate : full;
	c->rt.bucket_at = now;
	if (c->rt.bucket > full)
		c->rt.bucket = full;
	if (c->rt.bucket < 1000)
		return false;
	c->rt.bucket -= 1000;
	return true;
}
