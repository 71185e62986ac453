/* ui/view/account.c - signing in and out, and the switch of users with its guard: unsent changes
 * stop it until the person says send, export or discard; the panes are emptied first (S7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/view/data.h"
#include "ui/view/view.h"

/* One sign-in on its way through the questions; each question owns a copy. */
struct login {
	char *user, *password, *new_password, *code, *file;
	enum sd_pending pending;
};

static void login_free(void *ctx)
{
	struct login *s = ctx;
	char **secret[] = {&s->password, &s->new_password, &s->code};

	for (size_t i = 0; i < 3; i++) {
		if (*secret[i])
			explicit_bzero(*secret[i], strlen(*secret[i]));
		free(*secret[i]);
	}
	free(s->user);
	free(s->file);
	free(s);
}

static void set(char **slot, const char *v)
{
	char *copy = v ? sd_strdup_n(v, strlen(v)) : NULL;

	free(*slot);
	*slot = copy;
}

static struct login *login_copy(const struct login *s)
{
	struct login *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	if (s) {
		set(&n->user, s->user);
		set(&n->password, s->password);
		set(&n->new_password, s->new_password);
		set(&n->code, s->code);
		set(&n->file, s->file);
		n->pending = s->pending;
	}
	return n;
}

static void perform(struct sd_ui *ui, const struct login *s);

/* ---- after it ---- */

/* Nothing of the last user stays on the screen or in reach of a key. */
static void forget_all(struct sd_ui *ui)
{
	sd_data_forget(ui);
	for (size_t i = 0; i < SD_LOG_LINES; i++) {
		free(ui->log[i].text);
		free(ui->log[i].model);
		free(ui->log[i].key);
		memset(&ui->log[i], 0, sizeof ui->log[i]);
	}
	ui->log_first = ui->log_n = 0;
	sd_undo_decided(ui, NULL, NULL, NULL);
	sd_json_free(ui->models);
	ui->models = NULL;
}

static void look_again(struct sd_ui *ui)
{
	sd_state_refresh(ui, true);
	ui->stale = true;
	ui->reloaded_ms = 0;
	for (int v = 0; v < SD_V_COUNT; v++)
		if (!ui->locked && ui->views[v]->ops->reload)
			ui->views[v]->ops->reload(ui, ui->views[v]);
}

static void signed_in(struct sd_ui *ui)
{
	struct sd_error e = {0};

	look_again(ui);
	if (sd_api_has_backend(ui->api) && sd_api_start(ui->api, &e) != SD_OK &&
		e.code != SD_BUSY) {
		sd_say_error(ui, &e);
		return;
	}
	sd_say(ui, SD_SAY_GOOD, "Signed in as %s.", ui->user);
}

/* ---- the guard ---- */

struct waiting {
	struct sd_layer l;
	struct login *s;
};

static void waiting_draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_rect r = sd_centre(7, 60);

	(void)l;
	sd_box(r, true, "Sending first", NULL);
	sd_putf(r.y + 2, r.x + 2, r.w - 4, SD_R_TEXT,
		"%lld change%s still on the way to the server.", (long long)ui->counts.pending,
		ui->counts.pending == 1 ? " is" : "s are");
	if (ui->status.switched_off)
		sd_put(r.y + 3, r.x + 2, r.w - 4, SD_R_WARN,
			"You are offline by hand: Esc, then O goes online.");
	sd_put(r.y + 4, r.x + 2, r.w - 4, SD_R_DIM, "Esc stays signed in; nothing is lost.");
}

static void waiting_reload(struct sd_ui *ui, struct sd_layer *l)
{
	struct waiting *w = (struct waiting *)l;
	struct login *s;

	if (ui->counts.waiting + ui->counts.sending > 0 || ui->top != l)
		return;
	s = login_copy(w->s);
	sd_ui_pop(ui);
	if (s) {
		s->pending = SD_PENDING_ASK;
		perform(ui, s);
		login_free(s);
	}
}

static bool waiting_act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	(void)l;
	if (a == SD_ACT_BACK || a == SD_ACT_QUIT_BACK) {
		sd_ui_pop(ui);
		sd_say(ui, SD_SAY_INFO, "Stayed.");
		return true;
	}
	return false;
}

static void waiting_free(struct sd_ui *ui, struct sd_layer *l)
{
	(void)ui;
	login_free(((struct waiting *)l)->s);
	free(l);
}

static void send_first(struct sd_ui *ui, const struct login *s)
{
	static const struct sd_layer_ops ops = {.draw = waiting_draw,
		.act = waiting_act,
		.reload = waiting_reload,
		.free = waiting_free};
	struct waiting *w = calloc(1, sizeof *w);

	if (!w)
		return;
	w->l.ops = &ops;
	w->l.ctx = SD_IN_DIALOG;
	w->l.name = "Sending";
	w->s = login_copy(s);
	sd_ui_push(ui, &w->l);
	sd_api_kick(ui->api);
	ui->stale = true;
}

static bool export_done(struct sd_ui *ui, void *ctx, const char *path)
{
	struct login *s = login_copy(ctx);

	if (!s || !*path) {
		free(s);
		return false;
	}
	set(&s->file, path);
	s->pending = SD_PENDING_EXPORT;
	perform(ui, s);
	login_free(s);
	return true;
}

static void guard_done(struct sd_ui *ui, void *ctx, int i)
{
	struct login *s = ctx;

	if (i == 1) {
		send_first(ui, s);
	} else if (i == 2) {
		sd_prompt(ui, &(struct sd_prompt_opts){.title = "Export unsent changes to file",
				      .history = "file",
				      .done = export_done,
				      .ctx = login_copy(s),
				      .free_ctx = login_free});
	} else if (i == 3) {
		s->pending = SD_PENDING_DISCARD;
		perform(ui, s);
	} else {
		sd_say(ui, SD_SAY_INFO, "Stayed; nothing was changed.");
	}
}

/* unsent: how many; the number to type. */
static void guard(struct sd_ui *ui, const struct login *s, int64_t unsent)
{
	struct sd_choice choice[] = {{0, "stay", 0}, {'s', "send them first, then switch", 0},
		{'x', "export them to a file, then switch", 0}, {'d', NULL, unsent}};
	char text[600], label[80];

	snprintf(label, sizeof label, "discard them (type %lld)", (long long)unsent);
	choice[3].label = label;
	snprintf(text, sizeof text,
		"! %lld change%s of %s %s not reached the server.\n\n"
		"The data of %s on this device is erased before %s sees anything. The server's "
		"data stays.",
		(long long)unsent, unsent == 1 ? "" : "s", ui->user[0] ? ui->user : "the last user",
		unsent == 1 ? "has" : "have", ui->user[0] ? ui->user : "the last user", s->user);
	sd_ask(ui, &(struct sd_ask_opts){.title = "Switch user",
			   .text = text,
			   .choice = choice,
			   .count = 4,
			   .done = guard_done,
			   .ctx = login_copy(s),
			   .free_ctx = login_free});
}

/* ---- the questions on the way ---- */

static bool answer_done(struct sd_ui *ui, void *ctx, const char *text, size_t offset)
{
	struct login *s = login_copy(ctx);

	if (!s || !*text) {
		if (s)
			login_free(s);
		return false;
	}
	set((char **)((char *)s + offset), text);
	perform(ui, s);
	login_free(s);
	return true;
}

static bool password_done(struct sd_ui *ui, void *ctx, const char *text)
{
	return answer_done(ui, ctx, text, offsetof(struct login, password));
}

static bool new_password_done(struct sd_ui *ui, void *ctx, const char *text)
{
	return answer_done(ui, ctx, text, offsetof(struct login, new_password));
}

static bool code_done(struct sd_ui *ui, void *ctx, const char *text)
{
	return answer_done(ui, ctx, text, offsetof(struct login, code));
}

static void ask_secret(struct sd_ui *ui, const struct login *s, const char *title,
	bool (*done)(struct sd_ui *, void *, const char *))
{
	sd_prompt(ui, &(struct sd_prompt_opts){.title = title,
			      .secret = true,
			      .done = done,
			      .ctx = login_copy(s),
			      .free_ctx = login_free});
}

static void ask_password(struct sd_ui *ui, const struct login *s)
{
	char title[200];

	snprintf(title, sizeof title, "Password of %s", s->user);
	ask_secret(ui, s, title, password_done);
}

static void failed(struct sd_ui *ui, const struct login *s, const struct sd_error *e)
{
	if (e->code == SD_UNSENT) {
		struct sd_api_counts c = {0};

		if (sd_api_counts(ui->api, &c, NULL) != SD_OK)
			memset(&c, 0, sizeof c);
		guard(ui, s,
			c.pending + c.refused + c.conflicts > 0
				? c.pending + c.refused + c.conflicts
				: 1);
	} else if (e->code == SD_AUTH && !s->new_password && strcasestr(e->text, "new password")) {
		ask_secret(ui, s, "A new password is asked for", new_password_done);
	} else if (e->code == SD_AUTH && !s->code && strcasestr(e->text, "code")) {
		ask_secret(ui, s, "Code", code_done);
	} else {
		sd_say_error(ui, e);
	}
}

/* Signing in waits for the network: the screen says so first, and shows nothing of anybody. */
static void perform(struct sd_ui *ui, const struct login *s)
{
	const struct sd_login l = {
		s->user, s->password, s->new_password, s->code, s->pending, s->file};
	struct cJSON *who = NULL;
	struct sd_error e = {0};
	enum sd_err rc;
	char was[sizeof ui->user];
	struct sd_place place;

	if (!s->password && !s->code) {
		ask_password(ui, s);
		return;
	}
	snprintf(was, sizeof was, "%s", ui->user);
	sd_data_keep(ui, &place);
	if (strcmp(was, s->user) != 0)
		forget_all(ui);
	sd_say(ui, SD_SAY_INFO, "Signing in as %s ..", s->user);
	sd_frame_draw(ui);
	sd_screen_flush();
	rc = sd_api_login(ui->api, &l, &who, &e);
	sd_json_free(who);
	ui->message_until = 0;
	if (rc == SD_OK) {
		signed_in(ui);
		place.m = NULL; /* of the last user */
		sd_data_back(ui, &place);
		return;
	}
	look_again(ui);
	sd_data_back(ui, &place); /* nobody else came: all is where it was */
	failed(ui, s, &e);
}

static bool name_done(struct sd_ui *ui, void *ctx, const char *text)
{
	struct login s = {0};

	(void)ctx;
	if (!*text)
		return false;
	set(&s.user, text);
	ask_password(ui, &s);
	free(s.user);
	return true;
}

static void sign_out(struct sd_ui *ui)
{
	struct cJSON *who = NULL;
	struct sd_error e = {0};

	if (sd_api_logout(ui->api, SD_PENDING_ASK, NULL, &who, &e) != SD_OK) {
		sd_say_error(ui, &e);
	} else {
		forget_all(ui);
		sd_say(ui, SD_SAY_GOOD,
			"Signed out. The data on this device is locked until you sign in again.");
	}
	sd_json_free(who);
	look_again(ui);
}

/* ---- the dialog ---- */

#define MAX_USERS 30

struct people {
	char *name[MAX_USERS], *password[MAX_USERS]; /* owned; password NULL: ask */
	int n;
	bool can_leave;
};

static void people_free(void *ctx)
{
	struct people *p = ctx;

	for (int i = 0; i < p->n; i++) {
		free(p->name[i]);
		free(p->password[i]);
	}
	free(p);
}

static void add_person(struct people *p, const char *name, const char *password, const char * not )
{
	if (!name || sd_str_eq(name, not ) || p->n == MAX_USERS)
		return;
	for (int i = 0; i < p->n; i++)
		if (sd_str_eq(p->name[i], name))
			return;
	set(&p->name[p->n], name);
	set(&p->password[p->n], password);
	p->n++;
}

static void chosen(struct sd_ui *ui, void *ctx, int i)
{
	struct people *p = ctx;
	struct login s = {0};

	if (i <= 0)
		return;
	if (i <= p->n) {
		s.user = p->name[i - 1];
		s.password = p->password[i - 1];
		perform(ui, &s);
	} else if (i == p->n + 1) {
		sd_prompt(ui, &(struct sd_prompt_opts){.title = "User name", .done = name_done});
	} else {
		sign_out(ui);
	}
}

void sd_account_open(struct sd_ui *ui)
{
	struct people *p = calloc(1, sizeof *p);
	struct sd_choice choice[MAX_USERS + 3];
	char label[MAX_USERS][200], text[400];
	struct cJSON *users = NULL;
	size_t n = 0;

	if (!p)
		return;
	for (size_t i = 0; i < ui->o->user_count; i++)
		add_person(p, ui->o->users[i].name, ui->o->users[i].password,
			ui->locked ? NULL : ui->user);
	if (sd_api_users(ui->api, &users, NULL) == SD_OK)
		for (struct cJSON *u = sd_json_child(users); u; u = sd_json_next(u))
			add_person(
				p, sd_json_get_str(u, "user"), NULL, ui->locked ? NULL : ui->user);
	sd_json_free(users);
	choice[n++] = (struct sd_choice){0, "stay", 0};
	for (int i = 0; i < p->n; i++) {
		snprintf(label[i], sizeof label[i], "%s %s%s%s",
			ui->locked ? "sign in as" : "switch to", p->name[i],
			p->password[i] ? "   password " : "", p->password[i] ? p->password[i] : "");
		choice[n++] = (struct sd_choice){0, label[i], 0};
	}
	choice[n++] = (struct sd_choice){'+', "another account", 0};
	if (ui->user[0] && !ui->locked)
		choice[n++] =
			(struct sd_choice){'o', "sign out (locks the data on this device)", 0};
	snprintf(text, sizeof text, "signed in    %s\n\n%s", ui->user[0] ? ui->user : "(nobody)",
		ui->user[0] ? "A different user's sign-in erases this device's copy first, after "
			      "asking about unsent changes. The server's data stays."
			    : "Who are you?");
	sd_ask(ui, &(struct sd_ask_opts){.title = ui->user[0] ? "Switch user" : "Sign in",
			   .text = text,
			   .choice = choice,
			   .count = n,
			   .at = ui->user[0] && !ui->locked ? 0
				 : n > 1                    ? 1
							    : 0,
			   .done = chosen,
			   .ctx = p,
			   .free_ctx = people_free});
}
