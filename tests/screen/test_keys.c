/* tests/screen/test_keys.c - random keys and sizes for a while: the screen always answers, keeps
 * its hint line, and gives the terminal back (S10.5).  SD_KEYS=N presses more. */
#include <signal.h>
#include <unistd.h>

#include "core/base/rand.h"
#include "tests/support/uihost.h"

static void fill(struct sd_api *api)
{
	char line[300];

	host_save(api, "Blog", "{\"id\":\"b1\",\"name\":\"日本 \\u001b[31m\"}");
	for (int i = 1; i <= 40; i++) {
		snprintf(line, sizeof line,
			"{\"id\":\"p%02d\",\"title\":\"Title %02d "
			"👩‍💻\",\"status\":\"ACTIVE\","
			"\"rating\":%d,\"blogPostsId\":\"b1\",\"meta\":{\"a\":[1,2,%d]}}",
			i, i, i % 5, i);
		host_save(api, "Post", line);
	}
	host_save(api, "Comment", "{\"id\":\"c1\",\"body\":\"x\",\"postCommentsId\":\"p02\"}");
}

/* Every key that does something, but suspend and the ways out; q and Esc stand for those. */
static const char *const KEYS[] = {"j", "k", "h", "l", "H", "L", "\t", "\033[Z", "g", "G", "\004",
	"\025", "\033[5~", "\033[6~", "\r", "\033", "\033", "\017", "/", "n", "N", "f", "F", "!",
	"s", "S", "#", "e", "a", "d", " ", "v", "*", "\\", "y", "Y", "x", "u", "U", "o", "r", "R",
	"p", "m", "t", "b", "M", "T", "J", "K", "w", "W", "c", "<", ">", "_", "z", "1", "2", "3",
	"4", "5", ":", "?", "P", "O", "@", "\014", "\023", "\016", "\022", "\005", "\027", "\001",
	"\013", "\177", "\033[A", "\033[B", "\033[C", "\033[D", "\033[H", "\033[F", "\033[3~",
	"\033OP", "A", "3", "true", "é", "\033[<0;10;5M", "\033[<0;40;8M", "\033[<64;10;5M",
	"\033[<65;40;9M", "\033[<0;12;2M", "\033[99;5~", "\377"};
#define KEY_COUNT (sizeof KEYS / sizeof *KEYS)

static const struct {
	int rows, cols;
} SIZES[] = {{24, 80}, {40, 120}, {15, 60}, {10, 40}, {60, 200}, {24, 79}, {23, 80}, {2, 2}};

static void one_session(uint64_t seed, int presses)
{
	struct host h = {.fill = fill};
	struct sd_rand r;
	char trail[4000] = "";

	sd_rand_seeded(&r, seed);
	host_start(&h);
	for (int i = 0; i < presses; i++) {
		const char *k = KEYS[sd_rand_below(&r, KEY_COUNT)];
		size_t n = strlen(trail);

		if (sd_rand_below(&r, 60) == 0) {
			size_t s = sd_rand_below(&r, sizeof SIZES / sizeof *SIZES);

			vts_resize(h.v, SIZES[s].rows, SIZES[s].cols);
		}
		if (n > sizeof trail - 20)
			n = 0;
		snprintf(trail + n, sizeof trail - n, "%s%s", *k == 27 ? "^[" : "",
			*k == 27 ? k + 1 : k);
		if (vts_keys(h.v, k, MS))
			continue;
		vts_dump(h.v);
		fail_msg("seed %llu: no answer after %d keys: %s", (unsigned long long)seed, i,
			trail);
	}
	vts_resize(h.v, 24, 80);
	assert_true(vts_wait_text(h.v, "1 Data", MS));
	kill(vts_pid(h.v), SIGTERM); /* an orderly end, whatever is open */
	assert_int_equal(vts_close(h.v), 0);
	sd_test_dir_remove(h.dir);
}

static void random_keys_never_break_it(void **st)
{
	const char *more = getenv("SD_KEYS");
	int presses = more ? (int)strtol(more, NULL, 10) : 60;

	(void)st;
	setenv("VISUAL", "true", 1);
	if (chdir("/dev/shm") != 0) /* exports land here */
		fail();
	for (uint64_t seed = 1; seed <= 4; seed++)
		one_session(seed, presses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_keys_never_break_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
