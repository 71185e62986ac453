/* core/sync/reply.c - see reply.h. */
#include "core/sync/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

/* What an errorType (or x-amzn-errortype) means; a prefix "DynamoDB:" or "Lambda:" does not
 * change it.  Names that are not here are final: REFUSED.  unknown: the write may have happened
 * (server.md 2.7: DeltaSyncWriteError follows a base write that succeeded). */
static const struct {
	const char *name;
	enum sd_reply_class klass;
	bool unknown;
} TYPES[] = {
	{"ConflictUnhandled", SD_REPLY_CONFLICT, false},
	{"ConditionalCheckFailedException", SD_REPLY_CONDITION, false},
	{"Unauthorized", SD_REPLY_DENIED, false},
	{"UnauthorizedException", SD_REPLY_AUTH, false},
	{"NotAuthorizedException", SD_REPLY_AUTH, false},
	{"AccessDeniedException", SD_REPLY_AUTH, false},
	{"ExpiredToken", SD_REPLY_AUTH, false},
	{"ExpiredTokenException", SD_REPLY_AUTH, false},
	{"TokenExpiredException", SD_REPLY_AUTH, false},
	{"InvalidSignatureException", SD_REPLY_AUTH, false},
	{"SignatureDoesNotMatch", SD_REPLY_AUTH, false},
	{"UnrecognizedClientException", SD_REPLY_AUTH, false},
	{"MissingAuthenticationTokenException", SD_REPLY_AUTH, false},
	{"IncompleteSignatureException", SD_REPLY_AUTH, false},
	{"RequestExpired", SD_REPLY_AUTH, false},
	{"RequestTimeTooSkewed", SD_REPLY_AUTH, false},
	{"BandwidthLimitExceeded", SD_REPLY_RETRY, false},
	{"EC2ThrottledException", SD_REPLY_RETRY, false},
	{"LimitExceededException", SD_REPLY_RETRY, false},
	{"LimitExceededError", SD_REPLY_RETRY, false},
	{"PriorRequestNotComplete", SD_REPLY_RETRY, false},
	{"ProvisionedThroughputExceededException", SD_REPLY_RETRY, false},
	{"RequestLimitExceeded", SD_REPLY_RETRY, false},
	{"RequestThrottled", SD_REPLY_RETRY, false},
	{"RequestThrottledException", SD_REPLY_RETRY, false},
	{"SlowDown", SD_REPLY_RETRY, false},
	{"ThrottledException", SD_REPLY_RETRY, false},
	{"Throttling", SD_REPLY_RETRY, false},
	{"ThrottlingException", SD_REPLY_RETRY, false},
	{"TooManyRequestsException", SD_REPLY_RETRY, false},
	{"MaxConflicts", SD_REPLY_RETRY, false},
	{"TransactionConflictException", SD_REPLY_RETRY, false},
	{"InternalFailure", SD_REPLY_RETRY, true},
	{"InternalFailureException", SD_REPLY_RETRY, true},
	{"InternalServerError", SD_REPLY_RETRY, true},
	{"InternalServerErrorException", SD_REPLY_RETRY, true},
	{"ServiceUnavailable", SD_REPLY_RETRY, true},
	{"ServiceUnavailableException", SD_REPLY_RETRY, true},
	{"ExecutionTimeout", SD_REPLY_RETRY, true},
	{"TimeoutError", SD_REPLY_RETRY, true},
	{"RequestTimeout", SD_REPLY_RETRY, true},
	{"RequestTimeoutException", SD_REPLY_RETRY, true},
	{"DeltaSyncWriteError", SD_REPLY_RETRY, true},
};

/* For errors without a type: how the text begins. */
static const struct {
	const char *text;
	enum sd_reply_class klass;
	bool unknown;
} MESSAGES[] = {
	{"Not Authorized to access", SD_REPLY_DENIED, false},
	{"Unauthorized", SD_REPLY_DENIED, false},
	{"Connection failed", SD_REPLY_RETRY, true},
	{"Network Error", SD_REPLY_RETRY, true},
	{"Execution timed out", SD_REPLY_RETRY, true},
	{"Conflict resolver rejects mutation", SD_REPLY_CONFLICT, false},
	{"The conditional request failed", SD_REPLY_CONDITION, false},
	{"You are not authorized to make this call", SD_REPLY_AUTH, false},
	{"Token has expired", SD_REPLY_AUTH, false},
	{"Valid authorization header not provided", SD_REPLY_AUTH, false},
};

static const char *const TOO_BIG[] = {"too large", "toolarge", "too big", "toobig", "payload size",
	"response size", "entity too large", "the answer is larger"};

static void put_text(char *to, size_t room, const char *s)
{
	size_t n = s ? sd_utf8_cut(s, strlen(s), room - 1) : 0;

	if (n)
		memcpy(to, s, n);
	to[n] = '\0';
}

static void say(struct sd_reply *out, enum sd_reply_class klass, bool unknown, const char *type,
	const char *message)
{
	out->klass = klass;
	out->unknown = unknown;
	put_text(out->type, sizeof out->type, type);
	put_text(out->message, sizeof out->message, message);
}

static bool says_too_big(const char *s)
{
	for (size_t i = 0; s && i < sizeof TOO_BIG / sizeof *TOO_BIG; i++)
		if (strcasestr(s, TOO_BIG[i]))
			return true;
	return false;
}

static void classify(
	const char *type, const char *message, enum sd_reply_class *klass, bool *unknown)
{
	const char *colon = type ? strrchr(type, ':') : NULL;
	const char *bare = colon ? colon + 1 : type;

	*klass = SD_REPLY_REFUSED;
	*unknown = false;
	for (size_t i = 0; bare && i < sizeof TYPES / sizeof *TYPES; i++)
		if (strcmp(bare, TYPES[i].name) == 0 || strcmp(type, TYPES[i].name) == 0) {
			*klass = TYPES[i].klass;
			*unknown = TYPES[i].unknown;
			return;
		}
	if (says_too_big(type) || says_too_big(message)) {
		*klass = SD_REPLY_TOO_BIG;
		return;
	}
	for (size_t i = 0; !type && message && i < sizeof MESSAGES / sizeof *MESSAGES; i++)
		if (sd_str_starts(message, MESSAGES[i].text)) {
			*klass = MESSAGES[i].klass;
			*unknown = MESSAGES[i].unknown;
			return;
		}
}

static const char *error_type(const struct cJSON *err)
{
	static const char *const PLACES[] = {"errorType", "code", "__type"};
	const struct cJSON *ext = sd_json_get(err, "extensions");
	const char *s;

	for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
		s = sd_json_get_str(err, PLACES[i]);
		if (!s)
			s = sd_json_get_str(ext, PLACES[i]);
		if (s && *s)
			return s;
	}
	return NULL;
}

/* The error that speaks about root: the one whose path begins with it, else the first one that is
 * about the whole request (no path).  alone: any error at all, as there is one root only. */
static const struct cJSON *pick_error(const struct cJSON *errors, const char *root, bool alone)
{
	const struct cJSON *whole = NULL;

	for (const struct cJSON *c = sd_json_child(errors); c; c = sd_json_next(c)) {
		const struct cJSON *path = sd_json_get(c, "path");
		const char *first = sd_json_str(sd_json_child(path));
		if (first && strcmp(first, root) == 0)
			return c;
		if (!first && !whole)
			whole = c;
	}
	return whole || !alone ? whole : sd_json_child(errors);
}

static bool is_graphql(const struct cJSON *json)
{
	return sd_json_is_object(json) &&
	       (sd_json_get(json, "data") || sd_json_is_array(sd_json_get(json, "errors")));
}

/* The fields that depend on the root field looked at; out->json or whole's is `json`. */
static void read_root(struct sd_reply *out, const struct cJSON *json, const char *root, bool alone)
{
	const struct cJSON *data = sd_json_get(json, "data");
	const struct cJSON *got = sd_json_get(data, root), *err;
	const char *type, *message;
	enum sd_reply_class klass;
	bool unknown;

	out->errors = sd_json_get(json, "errors");
	if (!sd_json_is_array(out->errors) || !sd_json_child(out->errors))
		out->errors = NULL;
	out->data = sd_json_is_null(got) ? NULL : got;
	out->inside = false;
	err = pick_error(out->errors, root, alone);
	out->error_data = sd_json_get(err, "data");
	if (!out->error_data)
		out->error_data = sd_json_path(err, "extensions", "data", NULL);
	if (sd_json_is_null(out->error_data))
		out->error_data = NULL;
	type = error_type(err);
	message = sd_json_get_str(err, "message");
	if (out->data || (got && !err)) {
		say(out, SD_REPLY_OK, false, type, message);
		return;
	}
	if (!err || (!type && !message)) { /* an error that says nothing is none */
		say(out, SD_REPLY_RETRY, true, "Malformed",
			"the answer has neither data nor an error for what was asked");
		return;
	}
	classify(type, message, &klass, &unknown);
	/* an error inside the answer (a field that may not be null) comes after the write */
	out->inside = sd_json_count(sd_json_get(err, "path")) > 1;
	unknown = unknown || out->inside;
	say(out, klass, unknown, type ? type : "Unknown", message ? message : type);
}

static bool looks_like_json(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && isspace((unsigned char)s[i]))
		i++;
	return i < n && (s[i] == '{' || s[i] == '[');
}

/* A status that says "later" whatever the body is. */
static bool status_says_later(int status)
{
	return status < 200 || (status >= 300 && status < 400) || status == 408 || status == 425 ||
	       status == 429 || status >= 500;
}

static void read_failure(struct sd_reply *out, const struct sd_http_result *r)
{
	const struct cJSON *err = sd_json_child(sd_json_get(out->json, "errors"));
	const char *type = r->error_type, *message;
	char head[96], name[96], text[512];
	enum sd_reply_class klass = SD_REPLY_RETRY;
	bool unknown = false, final;

	if (!err)
		err = out->json;
	if (!type || !*type)
		type = error_type(err);
	/* "UnauthorizedException:http://..." is how some gateways write the header */
	put_text(name, sizeof name, type);
	if (strstr(name, ":http"))
		*strstr(name, ":http") = '\0';
	type = *name ? name : NULL;
	message = sd_json_get_str(err, "message");
	snprintf(head, sizeof head, "HTTP %d", r->status);
	snprintf(text, sizeof text, "%s%s%s", head, message || type ? ": " : "",
		message ? message
		: type  ? type
			: "");
	if (status_says_later(r->status)) {
		say(out, SD_REPLY_RETRY, r->status >= 500 || r->status == 408, head, text);
		return;
	}
	/* a page made for a browser is from something in between, not from the service */
	final = type || is_graphql(out->json);
	if ((r->status == 401 || r->status == 403) && (final || out->json || r->body_len == 0)) {
		say(out, SD_REPLY_AUTH, false, type ? type : head, text);
		return;
	}
	if (r->status == 413) {
		say(out, SD_REPLY_TOO_BIG, false, type ? type : head, text);
		return;
	}
	if (final)
		classify(type, message, &klass, &unknown);
	say(out, klass, unknown, type && final ? type : head, text);
}

enum sd_err sd_reply_read(
	const struct sd_http_result *r, const char *root, struct sd_reply *out, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	char text[512];

	memset(out, 0, sizeof *out);
	out->retry_after_ms = r->retry_after_ms;
	if (r->transport) {
		say(out, r->sent && says_too_big(r->failure) ? SD_REPLY_TOO_BIG : SD_REPLY_RETRY,
			r->sent, "Network", r->failure ? r->failure : "the request failed");
		return SD_OK;
	}
	out->status = r->status;
	if (looks_like_json(r->body, r->body_len)) {
		enum sd_err rc =
			sd_json_parse(r->body, r->body_len, "the answer", &out->json, &why);
		if (rc == SD_NOMEM)
			return sd_fail(e, SD_NOMEM, 0, "%s", why.text);
	}
	if (r->status < 200 || r->status > 299) {
		read_failure(out, r);
		return SD_OK;
	}
	if (is_graphql(out->json)) {
		read_root(out, out->json, root, true);
		return SD_OK;
	}
	/* a cut answer, a captive portal's page: the request may well have been carried out */
	snprintf(text, sizeof text, "the answer is not GraphQL%s%s", why.code ? ": " : "",
		why.code ? why.text : "");
	say(out, SD_REPLY_RETRY, true, "Malformed", text);
	return SD_OK;
}

void sd_reply_of_alias(const struct sd_reply *whole, const char *alias, struct sd_reply *out)
{
	*out = *whole;
	out->json = NULL;
	if (whole->status >= 200 && whole->status <= 299 && is_graphql(whole->json))
		read_root(out, whole->json, alias, false);
}

void sd_reply_release(struct sd_reply *r)
{
	sd_json_free(r->json);
	memset(r, 0, sizeof *r);
}

#define BACKOFF_CAP_MS     ((int64_t)300000)
#define SERVER_WAIT_CAP_MS ((int64_t)86400000) /* no server may put us to sleep for ever */

int64_t sd_backoff_ms(int attempt, int64_t retry_after_ms, struct sd_rand *r)
{
	int64_t base, wait;

	if (attempt < 1)
		attempt = 1;
	base = attempt > 11 ? BACKOFF_CAP_MS : (int64_t)100 << attempt;
	wait = base + sd_rand_below(r, (uint32_t)(base / 4 + 1));
	if (wait > BACKOFF_CAP_MS) /* jitter below the cap too, or all clients wake at once */
		wait = BACKOFF_CAP_MS - sd_rand_below(r, (uint32_t)(BACKOFF_CAP_MS / 10));
	if (retry_after_ms > SERVER_WAIT_CAP_MS)
		retry_after_ms = SERVER_WAIT_CAP_MS;
	return wait > retry_after_ms ? wait : retry_after_ms;
}
