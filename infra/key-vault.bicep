// Secrets of F&O and TaxJar, which the app reads and one person or pipeline writes; and the key that signs the audit, with
// which the app signs and which nobody can take out of the vault.
param name string
param location string
param tags object
param readerPrincipalId string
param writerPrincipalId string
param writerPrincipalType string
param sealerRoleId string
param purgeProtection bool
param recover bool

var roles = {
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    // A vault of this name that was deleted less than 90 days ago is brought back instead of made.
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    // Once on it cannot be switched off, and the service refuses an explicit false.
    enablePurgeProtection: purgeProtection ? true : null
    softDeleteRetentionInDays: 90
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, readerPrincipalId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(writerPrincipalId)) {
  name: guid(vault.id, writerPrincipalId, roles.keyVaultSecretsOfficer)
  scope: vault
  properties: {
    principalId: writerPrincipalId
    principalType: writerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}

resource signingKey 'Microsoft.KeyVault/vaults/keys@2023-07-01' = {
  parent: vault
  name: 'audit'
  properties: {
    kty: 'EC'
    curveName: 'P-256'
    keyOps: ['sign', 'verify']
    attributes: { enabled: true, exportable: false }
  }
}

resource sealer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(signingKey.id, readerPrincipalId, sealerRoleId)
  scope: signingKey
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: sealerRoleId
  }
}

output name string = vault.name
output signingKeyUri string = signingKey.properties.keyUri
