// tests/interop/lib/words.js - some thousand type names whose plurals are worth a look.
'use strict';

// Every word that the rules of pluralize name, and what they are neighbours of.
const NAMED = `
	i me he she them myself yourself itself herself himself themself is was has this that my its
	their echo dingo volcano tornado torpedo genus viscus stigma stoma dogma lemma schema anathema
	ox axe die yes foot eave goose tooth quiz human proof carve valve looey thief groove pickaxe
	passerby canvas alumnus syllabus virus radius nucleus fungus cactus stimulus terminus bacillus
	focus uterus locus stratus alias gas atlas iris axis testis crisis thesis analysis basis tlas
	knife wife life half leaf loaf shelf wolf dwarf scarf wharf calf elf self thief sheaf hoof roof
	beef chief belief safe giraffe man woman salesman fireman person salesperson child grandchild
	mouse louse spouse house titmouse dormouse matrix codex murex silex vertex index appendix
	apex suffix prefix agenda addendum millennium datum extremum bacterium desideratum stratum
	erratum ovum symposium curriculum automatum quorum memorandum medium album forum museum data
	media bacteria phenomenon criterion automaton organon asyndeton hyperbaton perihelion aphelion
	noumenon prolegomenon polyhedron octahedron hero potato tomato buffalo photo piano zero negro
	memo logo video radio cargo alga vertebra alumna alumnae larva antenna formula seraph cherub
	bureau plateau chateau gateau plateaux chateaux beau tableau thou you adulthood advice agenda
	aid aircraft alcohol ammo analytics anime athletics audio bison blood bream buffalo butter carp
	cash chassis chess clothing cod commerce cooperation corps debris diabetes digestion elk energy
	equipment excretion expertise firmware flounder fun gallows garbage graffiti hardware
	headquarters health herpes highjinks homework housework information jeans justice kudos labour
	literature machinery mackerel mail mews moose music mud manga news only personnel pike plankton
	pliers police pollution premises rain research rice salmon scissors series sewage shambles shrimp
	software staff swine tennis traffic transportation trout tuna wealth welfare whiting wildebeest
	wildlife pokemon fish goldfish deer reindeer sheep smallpox measles japanese chinese chamois
	cheese dress kiss wish church box buzz fez bus status campus census octopus walrus bonus lotus
	consensus corpus opus apparatus prospectus surplus day key boy toy guy money monkey journey
	query entry category company story reply soliloquy colloquy item user order invoice address
	customer account product photo comment post blog todo note task project team member tag event
	session device message channel image video file folder document version setting profile role
	permission group owner payment shipment cart line price tax coupon review rating score game
	player match league season lesson course student teacher school class grade exam question answer
	recipe ingredient meal diet workout exercise patient doctor nurse visit diagnosis symptom drug
	vehicle car truck driver trip route stop station ticket seat flight airport airline hotel room
	guest booking country city street building floor door sensor reading metric alarm log job queue
	worker batch step process access success canvass bass boss gross compass lens species means
	barracks crossroads gallery library factory battery diary army navy baby lady party study copy
	ability activity bounty county deity duty equity facility identity enquiry injury jury lorry
	ally bully fly spy sky try cry dry pry hierarchy monarchy anarchy patch watch match stitch loch
	stomach epoch eunuch tech bath moth path mouth cloth booth month myth growth length youth graph
	photograph paragraph epitaph triumph nymph cough laugh trough sigh weigh bush crash flash brush
	waltz blitz quartz topaz jazz fizz fuzz showbiz whiz tax fox lynx sphinx wax hoax reflex complex
	duplex annex latex bmx fax cortex vortex ibex kibbutz cello alto solo euro kilo disco tango
	mango flamingo embargo motto veto halo domino mosquito grotto ghetto mulatto desperado cockatoo
	kangaroo tattoo zoo bamboo taboo igloo studio ratio patio folio portfolio scenario trio oasis
	ellipsis hypothesis parenthesis synopsis emphasis neurosis prognosis catharsis nemesis genesis
	ibis penis pelvis trellis metropolis clitoris bias pancreas christmas pyjamas ananas madras
	canvases aliases gases statuses buses boxes people children mice feet teeth geese oxen dice
	criteria phenomena indices matrices vertices leaves wolves lives knives potatoes heroes
	echoes men women sheaves halves cacti fungi alumni syllabi nuclei radii stimuli genera
	schemata stigmata quizzes analyses crises theses axes oases ellipses`.split(/\s+/).filter(Boolean);
const BEFORE = ['User', 'Re', 'Api'];
const STEMS = ['Tr', 'Zi'];
const ENDINGS = [];
for (const a of 'abcdefghijklmnopqrstuvwxyz')
	for (const b of 'abcdefghijklmnopqrstuvwxyz')
		ENDINGS.push(a + b);
const LONG = 'sis xis tis uses usses ives arf elf eaf oaf eof oof man men son ild ouse ice ices ium ums \
	ata eau eaux ias las jas ris zzes nes ese fish deer sheep pox ois ous iou oux quy ouy iy iz izz \
	ives nix lix dex tex ax ox ux yx ahedra ahedron hedron alga ebra gro ato hero imo uto'.split(/\s+/);

const capital = w => w.slice(0, 1).toUpperCase() + w.slice(1);

function words() {
	const all = new Set();
	for (const w of NAMED) {
		all.add(capital(w));
		for (const b of BEFORE)
			all.add(b + capital(w));
		all.add('Pre' + w);
		all.add('My' + w.toUpperCase());
		all.add(w[0].toUpperCase() + w.slice(1, -2) + capital(w.slice(-2)));
		all.add(w[0].toUpperCase() + w.slice(1, -1) + w.slice(-1).toUpperCase());
		all.add(`${capital(w)}s`);
		all.add(`${capital(w)}_x`);
		all.add(w.toUpperCase());
		all.add(capital(w) + 'Item');
		all.add(capital(w) + '2');
	}
	for (const s of STEMS)
		for (const e of [...ENDINGS, ...LONG])
			all.add(s + e);
	for (const e of [...ENDINGS, ...LONG])
		all.add(capital(e));
	return [...all].filter(w => /^[A-Z][A-Za-z0-9]*$/.test(w));
}

module.exports = { words };
