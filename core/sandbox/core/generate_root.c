/*
 * core/sandbox/core/generate_root.c - root fields, index queries and relations with their keys
 * (spec/server.md 1.3, 1.7, 1.8).
 */
#include "core/sandbox/core/types.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define SUBSCRIPTION_NAME 50 /* longer ones are cut and get a digest */

/* @model(queries: {get: "name"}): the entry, or NULL when it is not given. */
static const struct sd_sdl_value *model_arg(
	const struct sbx_model *sm, const char *group, const char *entry)
{
	const struct sd_sdl_directive *d =
		sm->def ? sd_sdl_directive(sm->def->directives, sm->def->directive_count, "model")
			: NULL;
	const struct sd_sdl_value *v = d ? sd_sdl_arg(d, group) : NULL;

	if (v && v->kind == SD_SDL_OBJECT)
		for (size_t i = 0; i < v->count; i++)
			if (strcmp(v->names[i], entry) == 0)
				return &v->items[i];
	return v && v->kind == SD_SDL_NULL ? v : NULL;
}

/* The name of a root field; NULL when the schema switches it off. */
static const char *root_name(struct sbx_schema *x, const struct sbx_model *sm, const char *group,
	const char *entry, const char *prefix, const char *word)
{
	const struct sd_sdl_value *v = model_arg(sm, group, entry);

	if (!v)
		return sbx_camel(x, prefix, word);
	return v->kind == SD_SDL_STRING && sbx_is_name(v->text) ? v->text : NULL;
}

static struct sbx_key *key_new(struct sbx_schema *x, struct sbx_model *sm, size_t hash, size_t sort)
{
	struct sbx_key *k = sbx_alloc(&x->arena, sizeof *k);

	if (!k)
		return NULL;
	k->hash = sbx_alloc(&x->arena, (hash + 1) * sizeof *k->hash);
	k->sort = sbx_alloc(&x->arena, (sort + 1) * sizeof *k->sort);
	if (x->key_count == x->key_room) {
		size_t room = x->key_room ? x->key_room * 2 : 32;
		struct sbx_key **keys = realloc(x->keys, room * sizeof(void *));
		struct sbx_model **models;
		if (keys)
			x->keys = keys;
		models = keys ? realloc(x->key_models, room * sizeof(void *)) : NULL;
		if (!models) {
			x->arena.failed = true;
			return NULL;
		}
		x->key_models = models;
		x->key_room = room;
	}
	if (!k->hash || !k->sort)
		return NULL;
	x->keys[x->key_count] = k;
	x->key_models[x->key_count++] = sm;
	return k;
}

static const char *key_condition(const struct sd_field *f)
{
	if (f->kind == SD_K_SCALAR && (f->scalar == SD_T_INT || f->scalar == SD_T_AWSTIMESTAMP))
		return "ModelIntKeyConditionInput";
	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_FLOAT)
		return "ModelFloatKeyConditionInput";
	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_ID)
		return "ModelIDKeyConditionInput";
	return "ModelStringKeyConditionInput";
}

/* ModelXPrimaryCompositeKeyConditionInput and its Key input, made once. */
static const char *composite(
	struct sbx_schema *x, const struct sbx_model *sm, const struct sbx_key *k, const char *name)
{
	char *cond = sbx_fmt(&x->arena, "Model%s%sCompositeKeyConditionInput", sm->m->name, name);
	char *key = sbx_fmt(&x->arena, "Model%s%sCompositeKeyInput", sm->m->name, name);
	static const char *const ops[] = {"eq", "le", "lt", "ge", "gt", "beginsWith"};
	struct sbx_type *t;

	if (!cond || !key || sbx_type_find(x, cond))
		return cond;
	t = sbx_type_define(x, SBX_INPUT, cond);
	for (size_t i = 0; i < 5; i++)
		sbx_add(x, t, ops[i], key);
	sbx_add(x, t, "between", sbx_fmt(&x->arena, "[%s]", key));
	sbx_add(x, t, ops[5], key);
	t = sbx_type_define(x, SBX_INPUT, key);
	for (size_t i = 0; i < k->sort_count; i++) {
		const struct sd_field *f = sd_model_field(sm->m, k->sort[i]);
		struct sbx_ref r;
		if (!f)
			continue;
		r = sbx_ref_of_field(x, f, true);
		r.non_null = false;
		sbx_add_ref(x, t, f->name, r);
	}
	return cond;
}

static void key_arg(struct sbx_schema *x, struct sbx_model *sm, struct sbx_key *k, const char *name,
	struct sbx_field *f)
{
	const struct sd_field *one;
	const char *joined;

	if (!k || k->sort_count == 0)
		return;
	joined = k->sort[0];
	for (size_t i = 1; i < k->sort_count; i++)
		joined = sbx_camel(x, joined, k->sort[i]);
	k->sort_arg = joined;
	one = sd_model_field(sm->m, k->sort[0]);
	if (k->sort_count > 1)
		sbx_arg(x, f, joined, composite(x, sm, k, name));
	else if (one)
		sbx_arg(x, f, joined, key_condition(one));
}

static void paging_args(struct sbx_schema *x, struct sbx_field *f, const struct sbx_model *sm)
{
	sbx_arg(x, f, "filter", sm->filter ? sm->filter->name : NULL);
	sbx_arg(x, f, "limit", "Int");
	sbx_arg(x, f, "nextToken", "String");
}

static struct sbx_field *root(struct sbx_schema *x, struct sbx_type *t, const char *name,
	struct sbx_type *result, struct sbx_model *sm, enum sbx_res res)
{
	struct sbx_field *f =
		name ? sbx_add_ref(x, t, name, (struct sbx_ref){.type = result}) : NULL;

	if (f) {
		f->res = res;
		f->model = sm;
	} else if (name && t && sbx_field_find(t, name)) {
		x->clash = name;
	}
	return f;
}

static const char *key_type(struct sbx_schema *x, const struct sd_field *f, bool required)
{
	struct sbx_ref r = sbx_ref_of_field(x, f, true);

	return r.type ? sbx_fmt(&x->arena, "%s%s", r.type->name, required ? "!" : "") : NULL;
}

static void get_and_list(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;
	struct sbx_field *f = root(x, x->query, root_name(x, sm, "queries", "get", "get", m->name),
		sm->out, sm, SBX_GET);

	for (size_t i = 0; f && i < m->pk_count; i++)
		sbx_arg(x, f, m->fields[m->pk[i]].name, key_type(x, &m->fields[m->pk[i]], true));
	f = root(x, x->query, root_name(x, sm, "queries", "list", "list", sm->plural), sm->conn, sm,
		SBX_LIST);
	if (!f)
		return;
	if (m->custom_pk) {
		const struct sd_field *hash = &m->fields[m->pk[0]];
		sm->pk = key_new(x, sm, 1, m->pk_count - 1);
		if (!sm->pk)
			return;
		sm->pk->hash[sm->pk->hash_count++] = hash->name;
		for (size_t i = 1; i < m->pk_count; i++)
			sm->pk->sort[sm->pk->sort_count++] = m->fields[m->pk[i]].name;
		f->key = sm->pk;
		sbx_arg(x, f, hash->name, key_type(x, hash, false));
		key_arg(x, sm, sm->pk, "Primary", f);
	}
	paging_args(x, f, sm);
	if (m->custom_pk)
		sbx_arg(x, f, "sortDirection", "ModelSortDirection");
}

static void index_query(struct sbx_schema *x, struct sbx_model *sm, const struct sd_index *ix)
{
	const struct sd_model *m = sm->m;
	struct sbx_field *f;
	struct sbx_key *k;
	char *cap = sbx_copy(&x->arena, ix->name ? ix->name : "");

	if (!ix->query_field || ix->field_count == 0)
		return;
	f = root(x, x->query, ix->query_field, sm->conn, sm, SBX_LIST);
	k = f ? key_new(x, sm, 1, ix->field_count - 1) : NULL;
	if (!k || !cap)
		return;
	if (*cap >= 'a' && *cap <= 'z')
		*cap = (char)(*cap - 'a' + 'A');
	k->hash[k->hash_count++] = m->fields[ix->fields[0]].name;
	for (size_t i = 1; i < ix->field_count; i++)
		k->sort[k->sort_count++] = m->fields[ix->fields[i]].name;
	f->key = k;
	sbx_arg(x, f, k->hash[0], key_type(x, &m->fields[ix->fields[0]], true));
	key_arg(x, sm, k, sbx_is_name(cap) ? cap : "Index", f);
	sbx_arg(x, f, "sortDirection", "ModelSortDirection");
	paging_args(x, f, sm);
}

static bool has_name(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* sm is the other end: its columns f->remote are compared with ours. */
void sbx_generate_relation(
	struct sbx_schema *x, struct sbx_model *sm, struct sbx_field *out, const struct sd_field *f)
{
	const struct sd_model *m = sm->m;
	const struct sd_index *ix = NULL;
	struct sbx_key *k;

	for (size_t i = 0; i < m->index_count && f->join_count && !ix; i++)
		if (m->indexes[i].field_count &&
			strcmp(m->fields[m->indexes[i].fields[0]].name, f->remote[0]) == 0)
			ix = &m->indexes[i];
	k = key_new(x, sm, f->join_count, ix ? ix->field_count : 0);
	if (!k)
		return;
	for (size_t i = 0; i < f->join_count; i++)
		k->hash[k->hash_count++] = f->remote[i];
	for (size_t i = 1; f->assoc == SD_A_HAS_MANY && ix && i < ix->field_count; i++) {
		const char *name = m->fields[ix->fields[i]].name;
		if (!has_name(k->hash, k->hash_count, name))
			k->sort[k->sort_count++] = name;
	}
	out->key = k;
	if (f->assoc != SD_A_HAS_MANY)
		return;
	sbx_arg(x, out, "filter", sm->filter ? sm->filter->name : NULL);
	key_arg(x, sm, k, "Relation", out);
	sbx_arg(x, out, "sortDirection", "ModelSortDirection");
	sbx_arg(x, out, "limit", "Int");
	sbx_arg(x, out, "nextToken", "String");
}

static void mutations(struct sbx_schema *x, struct sbx_model *sm)
{
	static const struct {
		const char *word;
		enum sbx_res res;
	} ops[] = {{"create", SBX_CREATE}, {"update", SBX_UPDATE}, {"delete", SBX_DELETE}};
	struct sbx_type *const in[] = {sm->create_in, sm->update_in, sm->delete_in};

	for (size_t i = 0; i < 3; i++) {
		struct sbx_field *f = root(x, x->mutation,
			root_name(x, sm, "mutations", ops[i].word, ops[i].word, sm->m->name),
			sm->out, sm, ops[i].res);
		if (!f || !in[i] || !sm->cond)
			continue;
		sbx_arg(x, f, "input", sbx_fmt(&x->arena, "%s!", in[i]->name));
		sbx_arg(x, f, "condition", sm->cond->name);
	}
}

/* Names over 50 characters: the first 45 and five digits of the MD5 of the whole (1.3). */
static const char *short_name(struct sbx_schema *x, const char *name)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1];

	if (!name || strlen(name) <= SUBSCRIPTION_NAME)
		return name;
	if (EVP_Digest(name, strlen(name), md, &n, EVP_md5(), NULL) != 1)
		return name;
	sd_hex(md, n, hex);
	return sbx_fmt(&x->arena, "%.45s%.5s", name, hex);
}

static void subscription(
	struct sbx_schema *x, struct sbx_model *sm, const char *name, unsigned mutation)
{
	const struct sd_model *m = sm->m;
	struct sbx_field *f = name ? sbx_field_find(x->subscription, name) : NULL;

	if (!name || !sbx_is_name(name))
		return;
	if (!f)
		f = root(x, x->subscription, name, sm->out, sm, SBX_SUBSCRIBE);
	if (!f)
		return;
	if (f->model != sm) {
		x->clash = f->name;
		return;
	}
	f->sub_ops |= mutation;
	sbx_arg(x, f, "filter", sm->sub_filter ? sm->sub_filter->name : NULL);
	for (size_t i = 0; i < m->rule_count && m->sub_level == SD_SUB_ON; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		const struct sd_field *owner =
			r->owner_field ? sd_model_field(m, r->owner_field) : NULL;
		if (r->allow == SD_ALLOW_OWNER && r->owner_field && (!owner || !owner->list))
			sbx_arg(x, f, r->owner_field, "String");
	}
}

static void subscriptions(struct sbx_schema *x, struct sbx_model *sm)
{
	static const struct {
		const char *entry;
		unsigned bit;
	} ops[] = {{"onCreate", SD_OP_CREATE_BIT}, {"onUpdate", SD_OP_UPDATE_BIT},
		{"onDelete", SD_OP_DELETE_BIT}};

	if (sm->m->sub_level == SD_SUB_OFF)
		return;
	for (size_t i = 0; i < 3; i++) {
		const struct sd_sdl_value *v = model_arg(sm, "subscriptions", ops[i].entry);
		if (v && v->kind == SD_SDL_LIST) {
			for (size_t k = 0; k < v->count; k++)
				if (v->items[k].kind == SD_SDL_STRING)
					subscription(x, sm, v->items[k].text, ops[i].bit);
			continue;
		}
		subscription(x, sm,
			short_name(x, root_name(x, sm, "subscriptions", ops[i].entry, ops[i].entry,
					      sm->m->name)),
			ops[i].bit);
	}
}

void sbx_generate_roots(struct sbx_schema *x, struct sbx_model *sm)
{
	struct sbx_field *f;

	get_and_list(x, sm);
	if (sm->versioned && sm->m->syncable) {
		f = root(x, x->query, root_name(x, sm, "queries", "sync", "sync", sm->plural),
			sm->conn, sm, SBX_SYNC);
		if (f) {
			paging_args(x, f, sm);
			sbx_arg(x, f, "lastSync", "AWSTimestamp");
		}
	}
	for (size_t i = 0; i < sm->m->index_count; i++)
		index_query(x, sm, &sm->m->indexes[i]);
	mutations(x, sm);
	subscriptions(x, sm);
}
