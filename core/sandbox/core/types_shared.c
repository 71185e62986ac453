/*
 * core/sandbox/core/types_shared.c - the types that every generated API has: scalars, the shared
 * filter inputs (spec/server.md 1.5) and the introspection types.  Tables only.
 */
#include "core/sandbox/core/types.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *description;
	int scalar;
} scalars[] = {
	{"ID", "A unique identifier, as text.", SD_T_ID},
	{"String", "Text in UTF-8.", SD_T_STRING},
	{"Int", "A whole number of 32 bits.", SD_T_INT},
	{"Float", "A number of double precision.", SD_T_FLOAT},
	{"Boolean", "true or false.", SD_T_BOOLEAN},
	{"AWSDate", "A date, YYYY-MM-DD, with an optional offset.", SD_T_AWSDATE},
	{"AWSTime", "A time, hh:mm:ss.sss, with an optional offset.", SD_T_AWSTIME},
	{"AWSDateTime", "An instant, YYYY-MM-DDThh:mm:ss.sssZ.", SD_T_AWSDATETIME},
	{"AWSTimestamp", "A number of seconds since 1970-01-01T00:00Z.", SD_T_AWSTIMESTAMP},
	{"AWSEmail", "A mail address, local@domain.", SD_T_AWSEMAIL},
	{"AWSJSON", "JSON as text.", SD_T_AWSJSON},
	{"AWSURL", "A URL with a scheme.", SD_T_AWSURL},
	{"AWSPhone", "A telephone number.", SD_T_AWSPHONE},
	{"AWSIPAddress", "An IPv4 or IPv6 address, with an optional prefix length.",
		SD_T_AWSIPADDRESS},
};

/* name, then "field:type" words in order; '%' in a type is the column's own type */
static const struct {
	const char *name, *of, *fields;
} inputs[] = {
	{"ModelStringInput", "String",
		"ne:% eq:% le:% lt:% ge:% gt:% contains:% notContains:% between:[%] beginsWith:% "
		"attributeExists:Boolean attributeType:ModelAttributeTypes size:ModelSizeInput"},
	{"ModelIDInput", "ID",
		"ne:% eq:% le:% lt:% ge:% gt:% contains:% notContains:% between:[%] beginsWith:% "
		"attributeExists:Boolean attributeType:ModelAttributeTypes size:ModelSizeInput"},
	{"ModelIntInput", "Int",
		"ne:% eq:% le:% lt:% ge:% gt:% between:[%] attributeExists:Boolean "
		"attributeType:ModelAttributeTypes"},
	{"ModelFloatInput", "Float",
		"ne:% eq:% le:% lt:% ge:% gt:% between:[%] attributeExists:Boolean "
		"attributeType:ModelAttributeTypes"},
	{"ModelBooleanInput", "Boolean",
		"ne:% eq:% attributeExists:Boolean attributeType:ModelAttributeTypes"},
	{"ModelSizeInput", "Int", "ne:% eq:% le:% lt:% ge:% gt:% between:[%]"},
	{"ModelSubscriptionStringInput", "String",
		"ne:% eq:% le:% lt:% ge:% gt:% contains:% notContains:% between:[%] beginsWith:% "
		"in:[%] notIn:[%]"},
	{"ModelSubscriptionIDInput", "ID",
		"ne:% eq:% le:% lt:% ge:% gt:% contains:% notContains:% between:[%] beginsWith:% "
		"in:[%] notIn:[%]"},
	{"ModelSubscriptionIntInput", "Int",
		"ne:% eq:% le:% lt:% ge:% gt:% between:[%] in:[%] notIn:[%]"},
	{"ModelSubscriptionFloatInput", "Float",
		"ne:% eq:% le:% lt:% ge:% gt:% between:[%] in:[%] notIn:[%]"},
	{"ModelSubscriptionBooleanInput", "Boolean", "ne:% eq:%"},
	{"ModelStringKeyConditionInput", "String",
		"eq:% le:% lt:% ge:% gt:% between:[%] beginsWith:%"},
	{"ModelIDKeyConditionInput", "ID", "eq:% le:% lt:% ge:% gt:% between:[%] beginsWith:%"},
	{"ModelIntKeyConditionInput", "Int", "eq:% le:% lt:% ge:% gt:% between:[%]"},
	{"ModelFloatKeyConditionInput", "Float", "eq:% le:% lt:% ge:% gt:% between:[%]"},
};

static const struct {
	const char *name, *values;
} enums[] = {
	{"ModelAttributeTypes",
		"binary binarySet bool list map number numberSet string stringSet _null"},
	{"ModelSortDirection", "ASC DESC"},
};

static const struct {
	const char *name, *values;
} intro_enums[] = {
	{"__TypeKind", "SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL"},
	{"__DirectiveLocation",
		"QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD "
		"INLINE_FRAGMENT VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION "
		"ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT "
		"INPUT_FIELD_DEFINITION"},
};

static const struct {
	const char *name, *fields;
} intro_types[] = {
	{"__Schema", "description:String types:[__Type!]! queryType:__Type! mutationType:__Type "
		     "subscriptionType:__Type directives:[__Directive!]!"},
	{"__Type",
		"kind:__TypeKind! name:String description:String fields:[__Field!] "
		"interfaces:[__Type!] possibleTypes:[__Type!] enumValues:[__EnumValue!] "
		"inputFields:[__InputValue!] ofType:__Type specifiedByURL:String isOneOf:Boolean"},
	{"__Field", "name:String! description:String args:[__InputValue!]! type:__Type! "
		    "isDeprecated:Boolean! deprecationReason:String"},
	{"__InputValue", "name:String! description:String type:__Type! defaultValue:String "
			 "isDeprecated:Boolean! deprecationReason:String"},
	{"__EnumValue", "name:String! description:String isDeprecated:Boolean! "
			"deprecationReason:String"},
	{"__Directive", "name:String! description:String locations:[__DirectiveLocation!]! "
			"args:[__InputValue!]! isRepeatable:Boolean!"},
};

/* Takes the next space-separated word of *s into out. */
static bool word(const char **s, char *out, size_t room)
{
	size_t n;

	*s += strspn(*s, " ");
	n = strcspn(*s, " ");
	if (!n || n >= room)
		return false;
	memcpy(out, *s, n);
	out[n] = '\0';
	*s += n;
	return true;
}

static void define_fields(
	struct sbx_schema *x, struct sbx_type *t, const char *fields, const char *of)
{
	char w[96], type[96];

	while (word(&fields, w, sizeof w)) {
		char *colon = strchr(w, ':'), *own;
		if (!colon)
			continue;
		*colon++ = '\0';
		own = strchr(colon, '%');
		if (own) {
			*own = '\0';
			snprintf(type, sizeof type, "%s%s%s", colon, of, own + 1);
			colon = type;
		}
		sbx_add(x, t, w, colon);
	}
}

static void define_enum(struct sbx_schema *x, const char *name, const char *values, bool intro)
{
	struct sbx_type *t = sbx_type_define(x, SBX_ENUM, name);
	char w[96];

	if (!t)
		return;
	t->introspection = intro;
	t->values = sbx_alloc(&x->arena, 32 * sizeof *t->values);
	while (t->values && t->value_count < 32 && word(&values, w, sizeof w))
		t->values[t->value_count++] = sbx_copy(&x->arena, w);
}

void sbx_define_shared(struct sbx_schema *x)
{
	for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
		struct sbx_type *t = sbx_type_define(x, SBX_SCALAR, scalars[i].name);
		if (t) {
			t->scalar = scalars[i].scalar;
			t->description = scalars[i].description;
		}
	}
	for (size_t i = 0; i < sizeof enums / sizeof enums[0]; i++)
		define_enum(x, enums[i].name, enums[i].values, false);
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
		define_fields(x, sbx_type_define(x, SBX_INPUT, inputs[i].name), inputs[i].fields,
			inputs[i].of);
}

/* The introspection types, and the fields that lead to them. */
void sbx_define_introspection(struct sbx_schema *x)
{
	void *v;

	for (size_t i = 0; i < sizeof intro_enums / sizeof intro_enums[0]; i++)
		define_enum(x, intro_enums[i].name, intro_enums[i].values, true);
	for (size_t i = 0; i < sizeof intro_types / sizeof intro_types[0]; i++) {
		struct sbx_type *t = sbx_type_define(x, SBX_OBJECT, intro_types[i].name);
		if (!t)
			continue;
		t->introspection = true;
		define_fields(x, t, intro_types[i].fields, NULL);
		for (size_t k = 0; sd_map_next(&t->fields, &k, NULL, &v);) {
			struct sbx_field *f = v, *a = NULL;
			f->res = SBX_INTROSPECT;
			if (strcmp(f->name, "fields") == 0 || strcmp(f->name, "enumValues") == 0 ||
				strcmp(f->name, "inputFields") == 0 || strcmp(f->name, "args") == 0)
				a = sbx_arg(x, f, "includeDeprecated", "Boolean");
			if (a)
				a->default_text = "false";
		}
	}
	x->typename_field =
		(struct sbx_field){.name = "__typename", .type = sbx_ref_parse(x, "String!")};
	x->schema_field = (struct sbx_field){
		.name = "__schema", .type = sbx_ref_parse(x, "__Schema!"), .res = SBX_INTROSPECT};
	x->type_field = (struct sbx_field){
		.name = "__type", .type = sbx_ref_parse(x, "__Type"), .res = SBX_INTROSPECT};
	sbx_arg(x, &x->type_field, "name", "String!");
}
