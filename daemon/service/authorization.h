#ifndef SERVICE_AUTHORIZATION_H
#define SERVICE_AUTHORIZATION_H

/*
 * Who may call what: the one table, written by hand.  Each row names a method
 * as methods.gen.h does, the roles that may call it, and the functions that
 * carry it out.  A method without a row, and a row without a method, do not
 * compile.  Rows are sorted by path.
 *
 * What a role may see through a method is the method's own affair: an
 * association publishes and sees its own publications only.
 */

#include "base/identity.h"

#define AUTHORIZATION(ROW)                                                  \
    ROW(grpc_health_v1_Health_Check, ROLE_ANY, health_check_method)         \
    ROW(grpc_health_v1_Health_List, ROLE_ANY, health_list_method)           \
    ROW(grpc_health_v1_Health_Watch, ROLE_ANY, health_watch_method)         \
    ROW(grpc_reflection_v1_ServerReflection_ServerReflectionInfo,           \
        ROLE_ANY, reflection_v1_method)                                     \
    ROW(grpc_reflection_v1alpha_ServerReflection_ServerReflectionInfo,      \
        ROLE_ANY, reflection_v1alpha_method)                                \
    ROW(vouch_v1_AccessService_DenyIdentity, ROLE_BIT(ROLE_ADMIN),          \
        deny_identity_method)                                               \
    ROW(vouch_v1_AccessService_RotateKey, ROLE_BIT(ROLE_ADMIN),             \
        rotate_key_method)                                                  \
    ROW(vouch_v1_AccessService_WhoAmI, ROLE_ANY, who_am_i_method)           \
    ROW(vouch_v1_CatalogService_GetAssociation, ROLE_ANY,                   \
        get_association_method)                                             \
    ROW(vouch_v1_CatalogService_ListAssociations, ROLE_ANY,                 \
        list_associations_method)                                           \
    ROW(vouch_v1_CatalogService_ListCredentialTypes, ROLE_ANY,              \
        list_credential_types_method)                                       \
    ROW(vouch_v1_PublishingService_DeclareCurrent,                          \
        ROLE_BIT(ROLE_ASSOCIATION), declare_current_method)                 \
    ROW(vouch_v1_PublishingService_GetPublication,                          \
        ROLE_BIT(ROLE_ASSOCIATION) | ROLE_BIT(ROLE_AUDITOR),                \
        get_publication_method)                                             \
    ROW(vouch_v1_PublishingService_ListEvents,                              \
        ROLE_BIT(ROLE_ASSOCIATION), list_events_method)                     \
    ROW(vouch_v1_PublishingService_ListPublications,                        \
        ROLE_BIT(ROLE_ASSOCIATION) | ROLE_BIT(ROLE_AUDITOR),                \
        list_publications_method)                                           \
    ROW(vouch_v1_PublishingService_PublishCredentials,                      \
        ROLE_BIT(ROLE_ASSOCIATION), publish_credentials_method)             \
    ROW(vouch_v1_VerificationService_VerifyCredential,                      \
        ROLE_BIT(ROLE_EMPLOYER) | ROLE_BIT(ROLE_AUDITOR),                   \
        verify_credential_method)

#endif /* !SERVICE_AUTHORIZATION_H */
