/*
 * core/sandbox/server/pool_call.c - the operations of the user pool (server.md 7.1 to 7.5).
 *
 * Cognito's JSON protocol: the operation stands in x-amz-target, errors are HTTP 400 with
 * {"__type","message"}.  See pool.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "core/base/text.h"
#include "core/sandbox/server/pool.h"

#define TARGET      "AWSCognitoIdentityProviderService."
#define BLOCK_BYTES 64
#define WORD        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+"

struct op {
	struct conn *c;
	struct server *s;
	const struct cJSON *in;
	struct cJSON *out;           /* owned; NULL: an empty 200 */
	const char *error, *message; /* set: refused */
	char text[200];              /* room for a message */
};

static void refuse(struct op *o, const char *type, const char *message)
{
	o->error = type;
	o->message = message;
}

static void wrong_password(struct op *o)
{
	refuse(o, "NotAuthorizedException", "Incorrect username or password.");
}

static struct pending *pend(
	struct op *o, struct user *u, enum challenge kind, struct sd_srp *srp, const char *key)
{
	struct pool *p = o->s->pool;
	struct pending *x = &p->pending[p->next_pending++ % PENDING_MAX];

	free(x->key);
	sd_srp_free(x->srp);
	*x = (struct pending){.key = strdup(key),
		.user = u,
		.srp = srp,
		.challenge = kind,
		.until_ms = sd_srv_now_ms(o->s) + SESSION_MS};
	return x;
}

static void forget(struct pending *x)
{
	free(x->key);
	sd_srp_free(x->srp);
	memset(x, 0, sizeof *x);
}

/* A sign-in that is not over; NULL: unknown, or too old. */
static struct pending *find_pending(struct op *o, const char *key)
{
	struct pool *p = o->s->pool;

	for (size_t i = 0; key && i < PENDING_MAX; i++) {
		struct pending *x = &p->pending[i];
		if (x->key && strcmp(x->key, key) == 0)
			return x->until_ms > sd_srv_now_ms(o->s) ? x : NULL;
	}
	return NULL;
}

static void random_text(struct server *s, struct sd_buf *out)
{
	unsigned char raw[BLOCK_BYTES];

	s->rand.bytes(&s->rand, raw, sizeof raw);
	sd_base64_encode(out, raw, sizeof raw, false);
}

static void give_tokens(struct op *o, const struct user *u, const char *session, bool with_refresh)
{
	struct cJSON *tokens = sd_srv_tokens(o->s, u, session, with_refresh);

	if (!tokens) {
		refuse(o, "InternalErrorException", "The tokens cannot be made.");
		return;
	}
	o->out = sd_json_object();
	sd_json_add(o->out, "AuthenticationResult", tokens);
	sd_json_add(o->out, "ChallengeParameters", sd_json_object());
}

/* The password was right: tokens, or the next challenge. */
static void signed_in(struct op *o, struct user *u)
{
	static const char *const NAME[] = {
		[CH_NEW_PASSWORD] = "NEW_PASSWORD_REQUIRED",
		[CH_TOTP] = "SOFTWARE_TOKEN_MFA",
		[CH_SMS] = "SMS_MFA",
	};
	struct sd_buf session = SD_BUF_INIT;
	struct cJSON *p;

	if (u->challenge == CH_NONE) {
		give_tokens(o, u, NULL, true);
		return;
	}
	random_text(o->s, &session);
	pend(o, u, u->challenge, NULL, sd_buf_text(&session));
	p = sd_json_object();
	sd_json_add_str(p, "USER_ID_FOR_SRP", u->name);
	if (u->challenge == CH_NEW_PASSWORD) {
		sd_json_add_str(p, "userAttributes", "{}");
		sd_json_add_str(p, "requiredAttributes", "[]");
	} else if (u->challenge == CH_SMS) {
		sd_json_add_str(p, "CODE_DELIVERY_DELIVERY_MEDIUM", "SMS");
		sd_json_add_str(p, "CODE_DELIVERY_DESTINATION", "+*******0000");
	}
	o->out = sd_json_object();
	sd_json_add_str(o->out, "ChallengeName", NAME[u->challenge]);
	sd_json_add_str(o->out, "Session", sd_buf_text(&session));
	sd_json_add(o->out, "ChallengeParameters", p);
	sd_buf_release(&session);
}

static void password_flow(struct op *o, const struct cJSON *params)
{
	const char *name = sd_json_get_str(params, "USERNAME");
	const char *password = sd_json_get_str(params, "PASSWORD");
	struct user *u;

	if (!name || !password) {
		refuse(o, "InvalidParameterException",
			name ? "Missing required parameter PASSWORD"
			     : "Missing required parameter USERNAME");
		return;
	}
	u = sd_srv_user(o->s->pool, name);
	if (!u || strcmp(u->password, password) != 0)
		wrong_password(o);
	else if (u->disabled)
		refuse(o, "NotAuthorizedException", "User is disabled.");
	else
		signed_in(o, u);
}

static void srp_flow(struct op *o, const struct cJSON *params)
{
	const char *name = sd_json_get_str(params, "USERNAME");
	const char *a = sd_json_get_str(params, "SRP_A");
	struct user *u = name ? sd_srv_user(o->s->pool, name) : NULL;
	struct sd_srp_user who = {.pool_name = POOL_NAME};
	struct sd_buf block = SD_BUF_INIT;
	struct sd_srp *srp = NULL;
	struct cJSON *p;

	if (!name || !a) {
		refuse(o, "InvalidParameterException",
			name ? "Missing required parameter SRP_A"
			     : "Missing required parameter USERNAME");
		return;
	}
	if (!u || u->disabled) {
		wrong_password(o);
		return;
	}
	who.user_id = u->name;
	who.password = u->password;
	if (sd_srp_begin(&who, a, &o->s->rand, &srp, NULL) != SD_OK) {
		refuse(o, "InvalidParameterException", "SRP_A is not a usable number.");
		return;
	}
	random_text(o->s, &block);
	pend(o, u, CH_NONE, srp, sd_buf_text(&block));
	p = sd_json_object();
	sd_json_add_str(p, "SALT", sd_srp_salt(srp));
	sd_json_add_str(p, "SECRET_BLOCK", sd_buf_text(&block));
	sd_json_add_str(p, "SRP_B", sd_srp_b(srp));
	sd_json_add_str(p, "USERNAME", u->name);
	sd_json_add_str(p, "USER_ID_FOR_SRP", u->name);
	o->out = sd_json_object();
	sd_json_add_str(o->out, "ChallengeName", "PASSWORD_VERIFIER");
	sd_json_add(o->out, "ChallengeParameters", p);
	sd_buf_release(&block);
}

static void refresh(struct op *o, const char *token)
{
	const char *why = "Missing required parameter REFRESH_TOKEN";
	char session[SD_UUID_TEXT];
	struct user *u = token ? sd_srv_refresh_user(o->s, token, session, &why) : NULL;

	if (!u) {
		refuse(o, token ? "NotAuthorizedException" : "InvalidParameterException", why);
		return;
	}
	if (o->s->set.refresh_rotation)
		sd_srv_revoke(o->s, token, true);
	give_tokens(o, u, session, o->s->set.refresh_rotation);
}

static void initiate(struct op *o)
{
	const char *flow = sd_json_get_str(o->in, "AuthFlow");
	const struct cJSON *params = sd_json_get(o->in, "AuthParameters");

	if (sd_str_eq(flow, "USER_PASSWORD_AUTH"))
		password_flow(o, params);
	else if (sd_str_eq(flow, "USER_SRP_AUTH"))
		srp_flow(o, params);
	else if (sd_str_eq(flow, "REFRESH_TOKEN_AUTH") || sd_str_eq(flow, "REFRESH_TOKEN"))
		refresh(o, sd_json_get_str(params, "REFRESH_TOKEN"));
	else
		refuse(o, "InvalidParameterException",
			"The AuthFlow is not enabled for this client.");
}

static void verify_password(struct op *o, const struct cJSON *answers)
{
	const char *block64 = sd_json_get_str(answers, "PASSWORD_CLAIM_SECRET_BLOCK");
	const char *stamp = sd_json_get_str(answers, "TIMESTAMP");
	const char *signature = sd_json_get_str(answers, "PASSWORD_CLAIM_SIGNATURE");
	const char *name = sd_json_get_str(answers, "USERNAME");
	struct pending *x = find_pending(o, block64);
	struct user *u = x ? x->user : NULL;
	struct sd_buf block = SD_BUF_INIT;
	bool good = x && x->srp && stamp && signature && name &&
		    sd_base64_decode(&block, block64, strlen(block64));

	if (good) {
		struct sd_srp_user who = {POOL_NAME, u->name, u->password};
		good = sd_srv_user(o->s->pool, name) == u &&
		       sd_srp_holds(x->srp, &who, block.data, block.len, stamp, signature);
	}
	if (x) /* it is used once, whether the answer was right or not */
		forget(x);
	if (good)
		signed_in(o, u);
	else
		wrong_password(o);
	sd_buf_release(&block);
}

static void new_password(struct op *o, struct user *u, const struct cJSON *answers)
{
	const char *password = sd_json_get_str(answers, "NEW_PASSWORD");

	if (!password || strlen(password) < 8) {
		refuse(o, "InvalidPasswordException",
			"Password does not conform to policy: Password not long enough");
		return;
	}
	if (sd_srv_pool_new_password(o->s, u, password))
		give_tokens(o, u, NULL, true);
	else
		refuse(o, "InternalErrorException", "The new password could not be kept.");
}

static void session_challenge(struct op *o, enum challenge kind, const struct cJSON *answers)
{
	const char *code = sd_json_get_str(
		answers, kind == CH_TOTP ? "SOFTWARE_TOKEN_MFA_CODE" : "SMS_MFA_CODE");
	struct pending *x = find_pending(o, sd_json_get_str(o->in, "Session"));

	if (!x || x->srp || x->challenge != kind)
		refuse(o, "NotAuthorizedException",
			"Invalid session for the user, session is expired.");
	else if (kind == CH_NEW_PASSWORD)
		new_password(o, x->user, answers);
	else if (!sd_str_eq(code, x->user->code))
		refuse(o, "CodeMismatchException", "Invalid code received for user");
	else
		give_tokens(o, x->user, NULL, true);
	/* after a slip the same session takes another try, until it is too old */
	if (x && !x->srp && !o->error)
		forget(x);
}

static void respond(struct op *o)
{
	const char *name = sd_json_get_str(o->in, "ChallengeName");
	const struct cJSON *answers = sd_json_get(o->in, "ChallengeResponses");

	if (sd_str_eq(name, "PASSWORD_VERIFIER"))
		verify_password(o, answers);
	else if (sd_str_eq(name, "NEW_PASSWORD_REQUIRED"))
		session_challenge(o, CH_NEW_PASSWORD, answers);
	else if (sd_str_eq(name, "SOFTWARE_TOKEN_MFA"))
		session_challenge(o, CH_TOTP, answers);
	else if (sd_str_eq(name, "SMS_MFA"))
		session_challenge(o, CH_SMS, answers);
	else
		refuse(o, "InvalidParameterException", "The challenge is not supported.");
}

static void get_tokens_from_refresh(struct op *o)
{
	refresh(o, sd_json_get_str(o->in, "RefreshToken"));
}

static struct user *by_access_token(struct op *o)
{
	const char *token = sd_json_get_str(o->in, "AccessToken"), *why = NULL;
	struct user *u = token ? sd_srv_access_user(o->s, token, &why) : NULL;

	if (!u)
		refuse(o, token ? "NotAuthorizedException" : "InvalidParameterException",
			why ? why : "Missing required parameter AccessToken");
	return u;
}

static void attribute(struct cJSON *list, const char *name, const char *value)
{
	struct cJSON *o = sd_json_object();

	sd_json_add_str(o, "Name", name);
	sd_json_add_str(o, "Value", value);
	sd_json_push(list, o);
}

static void get_user(struct op *o)
{
	struct user *u = by_access_token(o);
	struct cJSON *list;

	if (!u)
		return;
	list = sd_json_array();
	attribute(list, "sub", u->sub);
	if (u->email) {
		attribute(list, "email_verified", "true");
		attribute(list, "email", u->email);
	}
	o->out = sd_json_object();
	sd_json_add_str(o->out, "Username", u->name);
	sd_json_add(o->out, "UserAttributes", list);
	if (u->challenge == CH_TOTP || u->challenge == CH_SMS) {
		const char *way = u->challenge == CH_TOTP ? "SOFTWARE_TOKEN_MFA" : "SMS_MFA";
		struct cJSON *ways = sd_json_array();
		sd_json_push(ways, sd_json_string(way));
		sd_json_add(o->out, "UserMFASettingList", ways);
		sd_json_add_str(o->out, "PreferredMfaSetting", way);
	}
}

static void global_sign_out(struct op *o)
{
	struct user *u = by_access_token(o);

	if (!u)
		return;
	if (sd_srv_pool_signed_out(o->s, u))
		o->out = sd_json_object();
	else
		refuse(o, "InternalErrorException", "The sign-out could not be kept.");
}

static void revoke_token(struct op *o)
{
	const char *token = sd_json_get_str(o->in, "Token");

	if (!token)
		refuse(o, "InvalidParameterException", "Missing required parameter Token");
	else if (!sd_srv_revoke(o->s, token, false))
		refuse(o, "UnsupportedTokenTypeException", "Only refresh tokens can be revoked.");
}

static const struct {
	const char *name;
	bool client_id; /* the request names the client */
	void (*fn)(struct op *o);
} OP[] = {
	{"InitiateAuth", true, initiate},
	{"RespondToAuthChallenge", true, respond},
	{"GetTokensFromRefreshToken", true, get_tokens_from_refresh},
	{"GetUser", false, get_user},
	{"GlobalSignOut", false, global_sign_out},
	{"RevokeToken", true, revoke_token},
};

static bool right_client(struct op *o)
{
	const char *id = sd_json_get_str(o->in, "ClientId");

	if (sd_str_eq(id, CLIENT_ID))
		return true;
	if (!id) {
		refuse(o, "InvalidParameterException",
			"1 validation error detected: Value at 'clientId' failed to satisfy "
			"constraint: Member must not be null");
		return false;
	}
	if (!*id || strlen(id) > 128 || id[strspn(id, WORD)])
		id = "of that name";
	snprintf(o->text, sizeof o->text, "User pool client %s does not exist.", id);
	refuse(o, "ResourceNotFoundException", o->text);
	return false;
}

static void run(struct op *o, const char *name)
{
	for (size_t i = 0; i < sizeof OP / sizeof *OP; i++) {
		if (!sd_str_eq(name, OP[i].name))
			continue;
		if (!sd_json_is_object(o->in))
			refuse(o, "SerializationException", "The body is not a JSON object.");
		else if (!OP[i].client_id || right_client(o))
			OP[i].fn(o);
		return;
	}
	refuse(o, "UnknownOperationException", "The operation is not known.");
}

static void answer(struct op *o)
{
	struct sd_buf body = SD_BUF_INIT, extra = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = 200, .type = "application/x-amz-json-1.1"};

	sd_buf_str(&extra, "access-control-allow-origin: *\r\n"
			   "access-control-expose-headers: x-amzn-RequestId, x-amzn-ErrorType\r\n");
	if (o->error) {
		r.status = sd_str_starts(o->error, "Internal") ? 500 : 400;
		sd_buf_fmt(&extra, "x-amzn-ErrorType: %s:\r\n", o->error);
		sd_buf_fmt(&body, "{\"__type\":\"%s\",\"message\":", o->error);
		sd_json_quote(&body, o->message, strlen(o->message));
		sd_buf_ch(&body, '}');
	} else if (o->out) {
		sd_json_print(o->out, &body);
	}
	r.extra = sd_buf_text(&extra);
	r.body = sd_buf_text(&body);
	r.n = body.len;
	sd_srv_reply(o->c, &r);
	sd_buf_release(&extra);
	sd_buf_release(&body);
}

void sd_srv_pool_call(struct conn *c)
{
	const char *target = sd_hs_header(&c->http, "x-amz-target");
	const char *name = target && sd_str_starts(target, TARGET) ? target + strlen(TARGET) : NULL;
	const struct sd_buf *text = &c->http.body;
	struct cJSON *in = NULL, *names = sd_json_array();
	struct op o = {.c = c, .s = c->s};
	struct sd_fault f = {0};
	enum faulted fault;

	sd_json_push(names, sd_json_string(name ? name : ""));
	fault = sd_srv_fault_before(c, "auth", names, sd_buf_text(text), text->len, &f);
	sd_json_free(names);
	if (fault == FAULT_ANSWERED)
		return;
	if (sd_json_parse(sd_buf_text(text), text->len, "request", &in, NULL) != SD_OK)
		in = NULL;
	o.in = in;
	run(&o, name);
	if (fault == FAULT_AFTER && f.kind == SD_FAULT_LOST_RESPONSE) {
		sd_srv_kill(c, false);
	} else {
		if (fault == FAULT_AFTER)
			c->delay_ms += f.ms;
		answer(&o);
	}
	if (fault == FAULT_AFTER)
		sd_fault_release(&f);
	sd_json_free(o.out);
	sd_json_free(in);
}
