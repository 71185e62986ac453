/* tests/unit/test_loop.c - the network loop: a turn ends when its time is up, however short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "tests/support/support.h"

/* A turn whose time was up before the wait began slept until some other timer (X-05: a change
 * that waited for its next try was never sent). */
static void a_turn_without_time_ends_at_once(void **state)
{
	struct sd_loop_opts o = {.connect_timeout_ms = 1000};
	struct sd_loop *l = NULL;
	int64_t began;

	(void)state;
	sd_net_init();
	assert_int_equal(sd_loop_new(&o, &l, NULL), SD_OK);
	alarm(300); /* a turn that never ends ends the test */
	began = sd_mono_ms();
	for (int i = 0; i < 500; i++)
		sd_loop_turn(l, i % 2);
	assert_true(sd_mono_ms() - began < 100000); /* a quarter of a second is asked for */
	began = sd_mono_ms();
	sd_loop_turn(l, 60);
	sd_loop_turn(l, 60);
	assert_in_range(sd_mono_ms() - began, 50, 60000);
	alarm(0);
	sd_loop_free(l);
}

/* Reading the system's certificates takes tens of milliseconds; where nothing is encrypted they are
 * not even opened: here whoever opens them waits for ever. */
static void a_plain_loop_reads_no_certificates(void **state)
{
	struct sd_loop_opts o = {.plain = true, .connect_timeout_ms = 1000};
	struct sd_loop *l = NULL;
	char *dir = sd_test_dir(), *fifo = sd_path_join(dir, "certs.pem");

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	setenv("SSL_CERT_FILE", fifo, 1);
	setenv("SSL_CERT_DIR", dir, 1);
	alarm(120);
	assert_int_equal(sd_loop_new(&o, &l, NULL), SD_OK);
	sd_loop_turn(l, 0);
	sd_loop_free(l);
	alarm(0);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	free(fifo);
	sd_test_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_turn_without_time_ends_at_once),
		cmocka_unit_test(a_plain_loop_reads_no_certificates)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
