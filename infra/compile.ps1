# The same as compile.sh, for Windows.
$ErrorActionPreference = 'Stop'
$version = (Select-String -Path infra/main.bicep -Pattern "^param pythonVersion string = '(.*)'$").Matches[0].Groups[1].Value
Get-ChildItem -Path . -Depth 0 -Filter __pycache__ | Remove-Item -Recurse -Force
Get-ChildItem -Path shared -Recurse -Filter *.pyc | Remove-Item -Force
& py "-$version" -m compileall -q --invalidation-mode checked-hash function_app.py shared
if ($LASTEXITCODE -ne 0) {
    Write-Host "There is no Python $version here: the app will compile itself at each cold start."
}
exit 0
