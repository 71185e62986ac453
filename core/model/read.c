/* core/model/read.c - which form a schema file has.  See schema.h. */
#include "core/model/schema.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/js.h"
#include "core/model/read_json.h"
#include "core/model/sdl_read.h"

#define MAX_FILE ((size_t)16 << 20)

enum form { FORM_EMPTY, FORM_JSON, FORM_JS, FORM_SDL };

/* By what it begins with; a name may lie. */
static enum form form_of(const char *text, size_t n)
{
	static const char *const JS[] = {"import", "export", "const", "let", "var", "module",
		"exports", "'use strict'", "\"use strict\"", "//", "/*", "Object.define"};
	const char *p = text, *end = text + n;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && memchr(" \t\r\n", *p, 4))
		p++;
	if (p == end)
		return FORM_EMPTY;
	if (*p == '{')
		return FORM_JSON;
	for (size_t i = 0; i < sizeof JS / sizeof *JS; i++) {
		size_t len = strlen(JS[i]);
		if ((size_t)(end - p) > len && memcmp(p, JS[i], len) == 0)
			return FORM_JS;
	}
	return FORM_SDL;
}

/* The object of a JavaScript file, as JSON text and parsed. */
static enum sd_err parse_js(const char *text, size_t n, const char *name, struct sd_buf *json,
	struct cJSON **root, struct sd_error *e)
{
	enum sd_err rc = sd_js_object(text, n, name, "schema", json, e);

	return rc ? rc : sd_json_parse(sd_buf_text(json), json->len, name, root, e);
}

enum sd_err sd_schema_read(
	const char *text, size_t n, const char *name, struct sd_schema **out, struct sd_error *e)
{
	struct sd_buf js = SD_BUF_INIT;
	struct cJSON *root = NULL;
	enum form form = form_of(text, n);
	enum sd_err rc = SD_OK;

	*out = NULL;
	if (form == FORM_EMPTY)
		return sd_fail(e, SD_INVAL, 0, "%s: the file is empty; expected a schema", name);
	if (form == FORM_SDL)
		return sd_read_sdl(text, n, name, out, e);
	if (form == FORM_JSON)
		rc = sd_json_parse(text, n, name, &root, e);
	if (form == FORM_JS) {
		rc = parse_js(text, n, name, &js, &root, e);
	} else if (rc == SD_INVAL) {
		/* an object that Prettier took for JavaScript; if it is neither, it was meant as
		 * JSON, and that error is told */
		if (parse_js(text, n, name, &js, &root, NULL) == SD_OK)
			rc = SD_OK;
	}
	if (!rc)
		rc = js.len ? sd_read_json(root, sd_buf_text(&js), js.len, name, out, e)
			    : sd_read_json(root, text, n, name, out, e);
	sd_json_free(root);
	sd_buf_release(&js);
	return rc;
}

enum sd_err sd_schema_read_file(const char *path, struct sd_schema **out, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = sd_read_file(path, MAX_FILE, &b, e);

	*out = NULL;
	if (!rc)
		rc = sd_schema_read(sd_buf_text(&b), b.len, path, out, e);
	sd_buf_release(&b);
	return rc;
}
