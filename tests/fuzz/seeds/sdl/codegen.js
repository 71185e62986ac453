import { Schema } from "@aws-amplify/datastore";
/* run through Prettier: this is JavaScript, no JSON { */
export const enums = { Status: ["OPEN"] };
export const schema: Schema = {
  models: {
    Post: {
      syncable: true,
      name: 'Post',
      pluralName: "Posts",
      attributes: [
        { type: "model", properties: { timestamps: { createdAt: "createdOn", updatedAt: "changedOn" } } },
        { type: "key", properties: { name: "byBlog", fields: ["blogID", "title"] } },
        { type: "key", properties: { fields: ["postId", "title"] } },
        { type: "refersTo", properties: { name: "Old" } },
        {
          type: "auth",
          properties: {
            rules: [
              { allow: "owner", provider: "userPools", ownerField: "owner",
                identityClaim: "cognito:username", operations: ["create", "update", "delete", "read"] },
              { allow: "groups", groupField: "teams", groupClaim: "cognito:groups", provider: "userPools" },
              { allow: "public" },
              { allow: "somebody" },
            ],
          },
        },
      ],
      fields: {
        postId: { name: "postId", isArray: false, type: "id", isRequired: true, attributes: [] },
        id: { name: "id", isArray: false, type: "ID", isRequired: true, attributes: [] },
        title: { name: "title", isArray: false, type: "string", isRequired: true, attributes: [] },
        status: { name: "status", isArray: false, type: { enum: "Status" }, isRequired: false },
        meta: { name: "meta", isArray: true, type: { nonModel: "Meta" }, isRequired: false, isArrayNullable: true },
        tags: { name: "tags", isArray: true, type: "String", isRequired: true, attributes: [] },
        comments: {
          name: "comments", isArray: true, type: { model: "Comment" }, isRequired: false, isArrayNullable: true,
          association: { connectionType: "HAS_MANY", associatedWith: "post" },
        },
        cover: {
          name: "cover", isArray: false, type: { model: "Image" }, isRequired: false, attributes: [],
          association: { connectionType: "HAS_ONE", associatedWith: "post", targetName: "postCoverId" },
        },
        blog: {
          name: "blog", isArray: false, type: { model: "Blog" }, isRequired: false, attributes: [],
          association: { connectionType: "BELONGS_TO", targetName: "blogID" },
        },
        createdOn: { name: "createdOn", isArray: false, type: "AWSDateTime", isRequired: false, isReadOnly: true },
        changedOn: { name: "changedOn", isArray: false, type: "AWSDateTime", isRequired: false, isReadOnly: true },
      },
    },
    Comment: {
      name: "Comment",
      fields: {
        id: { name: "id", isArray: false, type: "ID", isRequired: true },
        post: {
          name: "post", isArray: false, type: { model: "Post" }, isRequired: true,
          association: { connectionType: "BELONGS_TO", targetNames: ["postCommentsId", "postCommentsTitle"] },
        },
        loose: { name: "loose", isArray: false, type: { model: "Blog" }, isRequired: false },
      },
      attributes: [{ type: "model", properties: { subscriptions: { level: "off" } } }],
    },
    Image: {
      name: "Image", syncable: false, pluralName: "Imagery",
      fields: {
        id: { name: "id", isArray: false, type: "ID", isRequired: true },
        post: {
          name: "post", isArray: false, type: { model: "Post" }, isRequired: false,
          association: { connectionType: "BELONGS_TO", targetName: "imagePostId" },
        },
      },
    },
    Blog: {
      name: "Blog", pluralName: "Blogs",
      fields: {
        id: { name: "id", isArray: false, type: "ID", isRequired: true },
        owner: {
          name: "owner", isArray: false, type: { model: "Image" }, isRequired: false,
          association: { connectionType: "HAS_ONE", associatedWith: ["blogOwner"], targetNames: [] },
        },
      },
    },
  },
  enums: { Status: { name: "Status", values: ["OPEN", "CLOSED"] } },
  nonModels: {
    Meta: {
      name: "Meta",
      fields: {
        a: { name: "a", isArray: false, type: "String", isRequired: false },
        inner: { name: "inner", isArray: false, type: { nonModel: "Meta" }, isRequired: false },
      },
    },
  },
  version: "0123456789abcdef0123456789abcdef",
} as const;
