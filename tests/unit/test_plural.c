/* tests/unit/test_plural.c - plurals as the service names its root fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/model/plural.h"

/* spec/server.md 1.3 "Plural rule", client.md 1.1 (names of real schemas) */
static void type_names_get_the_plural_of_the_service(void **st)
{
	static const char *const PAIR[][2] = {
		{"Post", "Posts"},
		{"Items", "Items"},
		{"Category", "Categories"},
		{"Colloquy", "Colloquies"},
		{"Toy", "Toys"},
		{"Box", "Boxes"},
		{"Branch", "Branches"},
		{"Address", "Addresses"},
		{"Wish", "Wishes"},
		{"Buzz", "Buzzes"},
		{"Analysis", "Analyses"},
		{"Status", "Statuses"},
		{"TaskStatus", "TaskStatuses"},
		{"Bus", "Buses"},
		{"Virus", "Viri"},
		{"Focus", "Foci"},
		{"Alias", "Aliases"},
		{"Gas", "Gases"},
		{"Atlas", "Atlases"},
		{"Axis", "Axes"},
		{"Knife", "Knives"},
		{"Wife", "Wives"},
		{"Shelf", "Shelves"},
		{"Leaf", "Leaves"},
		{"Loaf", "Loaves"},
		{"Scarf", "Scarves"},
		{"Hoof", "Hooves"},
		{"Salesman", "Salesmen"},
		{"Person", "People"},
		{"ChatRoomPerson", "ChatRoomPeople"},
		{"ChatRoomPeople", "ChatRoomPeople"},
		{"Child", "Children"},
		{"Grandchild", "Grandchildren"},
		{"Children", "Children"},
		{"Mouse", "Mice"},
		{"Spouse", "Spouses"},
		{"Warehouse", "Warehouses"},
		{"Matrix", "Matrices"},
		{"Vertex", "Vertices"},
		{"Index", "Indices"},
		{"SearchIndex", "SearchIndices"},
		{"Data", "Data"},
		{"Datum", "Data"},
		{"UserData", "UserData"},
		{"Curriculum", "Curricula"},
		{"Criterion", "Criteria"},
		{"Hero", "Heroes"},
		{"Potato", "Potatoes"},
		{"Photo", "Photos"},
		{"Todo", "Todos"},
		{"Alga", "Algae"},
		{"Cherub", "Cherubim"},
		{"Canvas", "Canvases"},
		{"Schema", "Schemata"},
		{"schema", "schemata"},
		{"UserSchema", "UserSchemas"},
		{"Human", "Humans"},
		{"Quiz", "Quizzes"},
		{"Ox", "Oxen"},
		{"Foot", "Feet"},
		{"Echo", "Echoes"},
		{"Thief", "Thieves"},
		{"Staff", "Staff"},
		{"News", "News"},
		{"Media", "Media"},
		{"Equipment", "Equipment"},
		{"Series", "Series"},
		{"Goldfish", "Goldfish"},
		{"Reindeer", "Reindeer"},
		{"Chinese", "Chinese"},
		{"ItemMRO", "ItemMROS"},
		{"NFT", "NFTS"},
		{"SSN", "SSNS"},
		{"Todo1", "Todo1s"},
		{"Primary", "Primaries"},
		{"RelatedMany", "RelatedManies"},
		{"PostTags", "PostTags"},
		{"Journey", "Journeys"},
		{"Money", "Monies"},
		{"Menu", "Menus"},
		{"blogPost", "blogPosts"},
		{"COMPANY", "COMPANIES"},
		{"This", "These"},
		{"I", "WE"},
		{"", ""},
	};

	(void)st;
	for (size_t i = 0; i < sizeof PAIR / sizeof *PAIR; i++) {
		char *got = sd_plural(PAIR[i][0]);

		assert_non_null(got);
		assert_string_equal(got, PAIR[i][1]);
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_names_get_the_plural_of_the_service),
	};
	return cmocka_run_group_tests_name("plural", tests, NULL, NULL);
}
