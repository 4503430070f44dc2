/*
 * Names for the private copy of cJSON: each public symbol gets the prefix acme_, so that an
 * application can link a cJSON of its own, with its own hooks. Included before cJSON.h, always.
 */
#pragma once

#include <stddef.h>

#include "json/arena.h"

#define CJSON_NESTING_LIMIT 8

#define cJSON_AddArrayToObject                  acme_cJSON_AddArrayToObject
#define cJSON_AddBoolToObject                   acme_cJSON_AddBoolToObject
#define cJSON_AddFalseToObject                  acme_cJSON_AddFalseToObject
#define cJSON_AddItemReferenceToArray           acme_cJSON_AddItemReferenceToArray
#define cJSON_AddItemReferenceToObject          acme_cJSON_AddItemReferenceToObject
#define cJSON_AddItemToArray                    acme_cJSON_AddItemToArray
#define cJSON_AddItemToObject                   acme_cJSON_AddItemToObject
#define cJSON_AddItemToObjectCS                 acme_cJSON_AddItemToObjectCS
#define cJSON_AddNullToObject                   acme_cJSON_AddNullToObject
#define cJSON_AddNumberToObject                 acme_cJSON_AddNumberToObject
#define cJSON_AddObjectToObject                 acme_cJSON_AddObjectToObject
#define cJSON_AddRawToObject                    acme_cJSON_AddRawToObject
#define cJSON_AddStringToObject                 acme_cJSON_AddStringToObject
#define cJSON_AddTrueToObject                   acme_cJSON_AddTrueToObject
#define cJSON_Compare                           acme_cJSON_Compare
#define cJSON_CreateArray                       acme_cJSON_CreateArray
#define cJSON_CreateArrayReference              acme_cJSON_CreateArrayReference
#define cJSON_CreateBool                        acme_cJSON_CreateBool
#define cJSON_CreateDoubleArray                 acme_cJSON_CreateDoubleArray
#define cJSON_CreateFalse                       acme_cJSON_CreateFalse
#define cJSON_CreateFloatArray                  acme_cJSON_CreateFloatArray
#define cJSON_CreateIntArray                    acme_cJSON_CreateIntArray
#define cJSON_CreateNull                        acme_cJSON_CreateNull
#define cJSON_CreateNumber                      acme_cJSON_CreateNumber
#define cJSON_CreateObject                      acme_cJSON_CreateObject
#define cJSON_CreateObjectReference             acme_cJSON_CreateObjectReference
#define cJSON_CreateRaw                         acme_cJSON_CreateRaw
#define cJSON_CreateString                      acme_cJSON_CreateString
#define cJSON_CreateStringArray                 acme_cJSON_CreateStringArray
#define cJSON_CreateStringReference             acme_cJSON_CreateStringReference
#define cJSON_CreateTrue                        acme_cJSON_CreateTrue
#define cJSON_Delete                            acme_cJSON_Delete
#define cJSON_DeleteItemFromArray               acme_cJSON_DeleteItemFromArray
#define cJSON_DeleteItemFromObject              acme_cJSON_DeleteItemFromObject
#define cJSON_DeleteItemFromObjectCaseSensitive acme_cJSON_DeleteItemFromObjectCaseSensitive
#define cJSON_DetachItemFromArray               acme_cJSON_DetachItemFromArray
#define cJSON_DetachItemFromObject              acme_cJSON_DetachItemFromObject
#define cJSON_DetachItemFromObjectCaseSensitive acme_cJSON_DetachItemFromObjectCaseSensitive
#define cJSON_DetachItemViaPointer              acme_cJSON_DetachItemViaPointer
#define cJSON_Duplicate                         acme_cJSON_Duplicate
#define cJSON_Duplicate_rec                     acme_cJSON_Duplicate_rec
#define cJSON_GetArrayItem                      acme_cJSON_GetArrayItem
#define cJSON_GetArraySize                      acme_cJSON_GetArraySize
#define cJSON_GetErrorPtr                       acme_cJSON_GetErrorPtr
#define cJSON_GetNumberValue                    acme_cJSON_GetNumberValue
#define cJSON_GetObjectItem                     acme_cJSON_GetObjectItem
#define cJSON_GetObjectItemCaseSensitive        acme_cJSON_GetObjectItemCaseSensitive
#define cJSON_GetStringValue                    acme_cJSON_GetStringValue
#define cJSON_HasObjectItem                     acme_cJSON_HasObjectItem
#define cJSON_InitHooks                         acme_cJSON_InitHooks
#define cJSON_InsertItemInArray                 acme_cJSON_InsertItemInArray
#define cJSON_IsArray                           acme_cJSON_IsArray
#define cJSON_IsBool                            acme_cJSON_IsBool
#define cJSON_IsFalse                           acme_cJSON_IsFalse
#define cJSON_IsInvalid                         acme_cJSON_IsInvalid
#define cJSON_IsNull                            acme_cJSON_IsNull
#define cJSON_IsNumber                          acme_cJSON_IsNumber
#define cJSON_IsObject                          acme_cJSON_IsObject
#define cJSON_IsRaw                             acme_cJSON_IsRaw
#define cJSON_IsString                          acme_cJSON_IsString
#define cJSON_IsTrue                            acme_cJSON_IsTrue
#define cJSON_Minify                            acme_cJSON_Minify
#define cJSON_Parse                             acme_cJSON_Parse
#define cJSON_ParseWithLength                   acme_cJSON_ParseWithLength
#define cJSON_ParseWithLengthOpts               acme_cJSON_ParseWithLengthOpts
#define cJSON_ParseWithOpts                     acme_cJSON_ParseWithOpts
#define cJSON_Print                             acme_cJSON_Print
#define cJSON_PrintBuffered                     acme_cJSON_PrintBuffered
#define cJSON_PrintPreallocated                 acme_cJSON_PrintPreallocated
#define cJSON_PrintUnformatted                  acme_cJSON_PrintUnformatted
#define cJSON_ReplaceItemInArray                acme_cJSON_ReplaceItemInArray
#define cJSON_ReplaceItemInObject               acme_cJSON_ReplaceItemInObject
#define cJSON_ReplaceItemInObjectCaseSensitive  acme_cJSON_ReplaceItemInObjectCaseSensitive
#define cJSON_ReplaceItemViaPointer             acme_cJSON_ReplaceItemViaPointer
#define cJSON_SetNumberHelper                   acme_cJSON_SetNumberHelper
#define cJSON_SetValuestring                    acme_cJSON_SetValuestring
#define cJSON_Version                           acme_cJSON_Version
#define cJSON_free                              acme_cJSON_free
#define cJSON_malloc                            acme_cJSON_malloc

/* ACME's numbers are integers. With cJSON's double each value would take 8 bytes more, and an image
 * without a floating-point unit 1.2 KB of its emulation. */
#define double acme_json_number
#include "cJSON.h"
#undef double
