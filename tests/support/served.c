/* tests/support/served.c - see served.h. */
#include "tests/support/served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "tests/support/ws_client.h"

struct served served;

static const char SDL[] =
	"enum Status { DRAFT LIVE }\n"
	"type Meta { a: String b: Int }\n"
	"type Post @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  title: String!\n  content: String\n  rating: Int\n  status: Status\n"
	"  tags: [String]\n  meta: Meta\n  data: AWSJSON\n}\n";

int served_start(const char *sdl)
{
	struct sd_error e = {0};

	if (sd_schema_read(sdl, strlen(sdl), "test", &served.schema, &e) != SD_OK) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	sd_test_server_defaults(&served.opts, served.schema);
	served.srv = sd_test_server_start(&served.opts);
	return 0;
}

int served_posts(void **st)
{
	(void)st;
	return served_start(SDL);
}

int served_stop(void **st)
{
	(void)st;
	sd_test_server_stop(served.srv);
	sd_schema_free(served.schema);
	return 0;
}

int served_fresh(void **st)
{
	(void)st;
	sd_json_free(sd_test_admin(served.srv, "POST", "reset", NULL));
	return 0;
}

char *served_raw(const char *text, int ms)
{
	int fd = sd_test_connect(sd_test_server_port(served.srv));
	char *all;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	all = sd_test_read_all(fd, ms);
	close(fd);
	return all;
}

size_t served_count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}
