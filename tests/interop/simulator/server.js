// tests/interop/simulator/server.js - Amplify's own simulator (`amplify mock`) with one model.
//
// It knows no versions and no sync query, and the older realtime form only: credentials in the
// query of the URL.  PORT in argv; prints {"url"} once it listens.
'use strict';
const http = require('http');
const listen = http.Server.prototype.listen;
// it would listen on every interface
http.Server.prototype.listen = function (port, ...rest) {
	return typeof port === 'number' ? listen.call(this, port, '127.0.0.1', ...rest) : listen.call(this, port, ...rest);
};
const { AmplifyAppSyncSimulator } = require('@aws-amplify/amplify-appsync-simulator');

const content = `
type Post { id: ID! title: String! _version: Int! _deleted: Boolean _lastChangedAt: AWSTimestamp! createdAt: AWSDateTime! updatedAt: AWSDateTime! }
input CreatePostInput { id: ID title: String! }
input ModelSubscriptionPostFilterInput { id: String }
type Query { getPost(id: ID!): Post }
type Mutation { createPost(input: CreatePostInput!): Post }
type Subscription {
  onCreatePost(filter: ModelSubscriptionPostFilterInput): Post @aws_subscribe(mutations: ["createPost"])
  onUpdatePost(filter: ModelSubscriptionPostFilterInput): Post @aws_subscribe(mutations: ["updatePost"])
  onDeletePost(filter: ModelSubscriptionPostFilterInput): Post @aws_subscribe(mutations: ["deletePost"])
}
schema { query: Query mutation: Mutation subscription: Subscription }`;

// the time in ms is more than its AWSTimestamp takes: every message comes with an error
const request = `{"version":"2018-05-29","payload":{"id":"$ctx.args.input.id","title":"$ctx.args.input.title",
"_version":1,"_lastChangedAt":1795390000000,"createdAt":"2026-01-01T00:00:00.000Z","updatedAt":"2026-01-01T00:00:00.000Z"}}`;

async function main() {
	const s = new AmplifyAppSyncSimulator({ port: Number(process.argv[2]) });
	await s.init({
		schema: { content },
		appSync: { name: 'simulator', apiKey: 'da2-fakeApiId123456', additionalAuthenticationProviders: [],
			defaultAuthenticationType: { authenticationType: 'API_KEY' } },
		dataSources: [{ type: 'NONE', name: 'none' }],
		mappingTemplates: [{ path: 'request', content: request }, { path: 'response', content: '$util.toJson($ctx.result)' }],
		resolvers: [{ kind: 'UNIT', typeName: 'Mutation', fieldName: 'createPost', dataSourceName: 'none',
			requestMappingTemplateLocation: 'request', responseMappingTemplateLocation: 'response' }],
	});
	await s.start();
	console.log(JSON.stringify({ url: `http://127.0.0.1:${process.argv[2]}` }));
}
main().catch(e => { console.error(e); process.exit(1); });
