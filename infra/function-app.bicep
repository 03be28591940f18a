// The function app on Flex Consumption: it scales with the queue, and to zero.
param name string
param planName string
param location string
param tags object
param identityId string
param packageContainerUri string
param pythonVersion string
param maximumInstanceCount int
param appSettings array
param people object
param signInClientId string
param signInApplications array

// Without a tenant or an application nobody can sign in, and authentication stays off.
var signInIsOn = !empty(signInClientId) && !empty(people.?tenant_id ?? '')

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'connector' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: appSettings
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUri
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: 2048
        triggers: {
          // What waits for F&O or TaxJar costs an instance little; more at once would wait for its one core.
          http: { perInstanceConcurrency: 16 }
        }
      }
      runtime: { name: 'python', version: pythonVersion }
    }
  }
}

resource passwords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = [for kind in ['ftp', 'scm']: {
  parent: app
  name: kind
  properties: { allow: false }
}]

// People sign in with Entra ID. Nobody is turned away here: routes ask for a key or a signed-in person themselves. The
// setting named as the secret makes the platform use the app's identity as the application's federated credential.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (signInIsOn) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: { requireHttps: true }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: '${environment().authentication.loginEndpoint}${people.?tenant_id ?? ''}/v2.0'
        }
        validation: {
          allowedAudiences: [signInClientId, 'api://${signInClientId}']
          defaultAuthorizationPolicy: {
            allowedApplications: concat([signInClientId], signInApplications)
          }
        }
      }
    }
    login: {
      tokenStore: { enabled: true }
    }
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
