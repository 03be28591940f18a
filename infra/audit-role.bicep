// A role for sealing the audit: add blobs and read them, but neither change nor delete one; sign, but not manage keys.
param location string

var group = resourceGroup().id

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(group, 'audit-sealer')
  properties: {
    // Unique in the tenant.
    roleName: 'Connector audit sealer ${uniqueString(group, location)}'
    description: 'Adds and reads signed roots of the audit, and signs them with its key.'
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.KeyVault/vaults/keys/read'
          'Microsoft.KeyVault/vaults/keys/sign/action'
        ]
        notDataActions: []
      }
    ]
    assignableScopes: [group]
  }
}

// As assignments name it, whatever the scope of the deployment.
output id string = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.name)
