/* app/cli/completion.c - completion for bash, zsh and fish, made from the command table. */
#include <stdio.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/buf.h"

static const char *const GLOBAL[] = {"--config", "--schema", "--data-dir", "--endpoint",
	"--api-key", "--auth", "--offline", "--read-only", "--json", "--config-set", "--color",
	"--ascii", "--no-mouse", "--theme", "--log-level", "--log-file", "--help", "--version"};
#define GLOBALS (sizeof GLOBAL / sizeof *GLOBAL)

/* Takes the next option or fixed word out of a usage text; false at the end.  "[list | show|retry
 * SEQ]" gives list, show, retry; capitals are values. */
static bool next_word(const char **at, bool option, char *out, size_t room)
{
	const char *p = *at;

	while (*p) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz-");
		if (n == 0) {
			p++;
			continue;
		}
		bool is_option =
			p[0] == '-' && n > 1 && (p[1] == '-' || n == 2) && p > *at && p[-1] != ',';
		bool alone = p[n] == '\0' || strchr(" |]/)\n", p[n]) || p[n] == '.';
		if (n < room && (option ? is_option : !is_option && p[0] != '-' && alone)) {
			memcpy(out, p, n);
			out[n] = '\0';
			*at = p + n;
			return true;
		}
		p += n;
	}
	return false;
}

/* The words behind a command's name: options, then fixed words. */
static void words_of(const struct cli_command *k, struct sd_buf *out)
{
	char word[64];

	for (int option = 0; option < 2; option++) {
		const char *at = k->usage + strlen(k->name);
		while (next_word(&at, option, word, sizeof word))
			sd_buf_fmt(out, "%s%s", out->len ? " " : "", word);
	}
}

static bool shown(const struct cli_command *k)
{
	return k->help != NULL;
}

static void bash(void)
{
	struct sd_buf b = SD_BUF_INIT;

	puts("# bash completion of syncdeck: source <(syncdeck completion bash)\n"
	     "_syncdeck() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in\n"
	     "\t\t-c|-s|-d|--config|--schema|--data-dir|--endpoint|--api-key|--auth|--config-set|--"
	     "color|--theme|--log-level|--log-file) i=$((i + 1)) ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) cmd=${COMP_WORDS[i]}; break ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tlocal words models=\n"
	     "\tcase $prev in\n"
	     "\t-c|-s|-d|-o|--config|--schema|--data-dir|--input|--output|--log-file|--users|--db|-"
	     "-write-config)\n"
	     "\t\tCOMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	     "\tesac\n"
	     "\tcase $cmd in");
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++) {
		if (!shown(k))
			continue;
		sd_buf_reset(&b);
		words_of(k, &b);
		printf("\t%s) words='%s'%s ;;\n", k->name, sd_buf_text(&b),
			strstr(k->usage, "MODEL") ? " models=1" : "");
	}
	printf("\t'') words='");
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++)
		if (shown(k))
			printf("%s ", k->name);
	puts("' ;;\n\tesac");
	printf("\twords=\"$words");
	for (size_t i = 0; i < GLOBALS; i++)
		printf(" %s", GLOBAL[i]);
	puts("\"\n"
	     "\tif [ -n \"$models\" ] && [[ $cur != -* ]]; then\n"
	     "\t\twords=\"$words $(${COMP_WORDS[0]} --offline --json models 2>/dev/null | sed -n "
	     "'s/^{\"model\":\"\\([A-Za-z0-9_]*\\)\".*/\\1/p')\"\n"
	     "\tfi\n"
	     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "}\n"
	     "complete -o default -F _syncdeck syncdeck");
	sd_buf_release(&b);
}

/* A text within single quotes of zsh or fish; a colon would end a name in zsh. */
static void quoted(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (*s == ':')
			fputs("\\:", stdout);
		else
			putchar(*s);
	}
}

static void zsh(void)
{
	struct sd_buf b = SD_BUF_INIT;

	puts("#compdef syncdeck\n"
	     "# zsh completion of syncdeck: syncdeck completion zsh > DIR-OF-FPATH/_syncdeck\n"
	     "_syncdeck() {\n"
	     "\tlocal -a commands options words\n"
	     "\tlocal cmd i\n"
	     "\tcommands=(");
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++) {
		if (!shown(k))
			continue;
		printf("\t\t'%s:", k->name);
		quoted(k->help);
		puts("'");
	}
	printf("\t)\n\toptions=(");
	for (size_t i = 0; i < GLOBALS; i++)
		printf("%s%s", i ? " " : "", GLOBAL[i]);
	puts(")\n"
	     "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	     "\t\t[[ $words[i] == -* ]] || { cmd=${words[i]}; break }\n"
	     "\tdone\n"
	     "\tif [[ -z $cmd ]]; then\n"
	     "\t\tif [[ $PREFIX == -* ]]; then compadd -- $options; else _describe command "
	     "commands; fi\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase $cmd in");
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++) {
		if (!shown(k))
			continue;
		sd_buf_reset(&b);
		words_of(k, &b);
		printf("\t%s) compadd -- %s $options", k->name, sd_buf_text(&b));
		puts(strstr(k->usage, "FILE") ? "; _files ;;" : " ;;");
	}
	puts("\tesac\n"
	     "}\n"
	     "compdef _syncdeck syncdeck 2>/dev/null || _syncdeck \"$@\"");
	sd_buf_release(&b);
}

static void fish(void)
{
	char word[64];

	puts("# fish completion of syncdeck: syncdeck completion fish | source\n"
	     "complete -c syncdeck -f");
	for (size_t i = 0; i < GLOBALS; i++)
		printf("complete -c syncdeck -l %s\n", GLOBAL[i] + 2);
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++) {
		if (!shown(k))
			continue;
		printf("complete -c syncdeck -n __fish_use_subcommand -a %s -d '", k->name);
		for (const char *s = k->help; *s; s++)
			if (*s == '\'')
				fputs("\\'", stdout);
			else
				putchar(*s);
		puts("'");
		for (int option = 0; option < 2; option++) {
			const char *at = k->usage + strlen(k->name);
			while (next_word(&at, option, word, sizeof word)) {
				printf("complete -c syncdeck -n '__fish_seen_subcommand_from %s' ",
					k->name);
				if (!option)
					printf("-a %s\n", word);
				else if (word[1] == '-')
					printf("-l %s\n", word + 2);
				else
					printf("-s %s\n", word + 1);
			}
		}
		if (strstr(k->usage, "FILE"))
			printf("complete -c syncdeck -n '__fish_seen_subcommand_from %s' -F\n",
				k->name);
	}
}

int cli_completion(struct cli *c, struct cli_args *a)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} SHELL[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && c->batch)
		rc = cli_complain(c, 2, "completion cannot run inside a batch");
	if (rc == 0 && a->n == 1)
		for (size_t i = 0; i < sizeof SHELL / sizeof *SHELL; i++)
			if (strcmp(a->v[0], SHELL[i].name) == 0) {
				SHELL[i].print();
				return 0;
			}
	return rc ? rc : cli_usage(c, "completion");
}
