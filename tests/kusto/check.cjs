// Checks Kusto queries with Microsoft's own language service, against the table of metrics that Application Insights has.
// Standard input: {"folder": where the service is installed, "queries": [text, …]}; standard output:
// [{"errors": [sentence, …], "columns": {name: type}}, …].
const fs = require('fs')
const path = require('path')
const vm = require('vm')

const METRICS = `(timestamp: datetime, name: string, value: real, valueCount: int, valueSum: real, valueMin: real,
  valueMax: real, valueStdDev: real, customDimensions: dynamic, customMeasurements: dynamic, operation_Name: string,
  operation_Id: string, operation_ParentId: string, cloud_RoleName: string, cloud_RoleInstance: string, appId: string,
  appName: string, iKey: string, sdkVersion: string, itemId: string, itemType: string, itemCount: int,
  _ResourceId: string)`

const { folder, queries } = JSON.parse(fs.readFileSync(0, 'utf8'))
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  // The files are scripts for a browser: they leave their names in the global object.
  vm.runInThisContext(fs.readFileSync(path.join(folder, file), 'utf8'), { filename: file })
}

const { Symbols, GlobalState, KustoCode } = Kusto.Language
const database = new Symbols.DatabaseSymbol.ctor('insights', [new Symbols.TableSymbol.$ctor7('customMetrics', METRICS, null)])
const globals = GlobalState.Default.WithDatabase(database)

const all = (list) => Array.from({ length: list.Count }, (_, index) => list.getItem(index))
const checked = queries.map((query) => {
  const code = KustoCode.ParseAndAnalyze(query, globals)
  const errors = all(code.GetDiagnostics()).map((found) => `${found.Severity}: ${found.Message}`)
  const columns = code.ResultType && code.ResultType.Columns ? all(code.ResultType.Columns) : []
  return { errors, columns: Object.fromEntries(columns.map((column) => [column.Name, column.Type.Name])) }
})
console.log(JSON.stringify(checked))
